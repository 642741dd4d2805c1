/*
 * A classic script in the head: the chosen theme must stand before the first
 * paint.  Without a choice the media query of css/base.css decides.
 */

(function () {
  try {
    const theme = localStorage.getItem('procmgr.theme');

    if (theme === 'light' || theme === 'dark') {
      document.documentElement.dataset.theme = theme;
    }
  } catch {
    /* storage may be forbidden: the system's theme it is */
  }
})();
