/* The only thing that the anonymous see */

import { useEffect, useRef, useState } from 'preact/hooks';

import { ApiError } from '../api.js';
import { t } from '../i18n.js';
import { login } from '../session.js';
import { app, useStore } from '../store.js';
import { Banners } from '../ui/banners.js';
import { html } from '../ui/html.js';
import { Icon } from '../ui/icons.js';
import { Notice, Problem } from '../ui/parts.js';
import { Preferences } from '../ui/preferences.js';


export function Login() {
  const expired = useStore(app, (s) => s.expired);
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [busy, setBusy] = useState(false);
  const user = useRef(/** @type {HTMLInputElement | null} */ (null));
  const password = useRef(/** @type {HTMLInputElement | null} */ (null));

  useEffect(() => {
    user.current?.focus();
  }, []);

  useEffect(() => {
    document.title = `${t('login.title')} · procmgr`;
  });

  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);

    try {
      await login(user.current?.value ?? '', password.current?.value ?? '');
    } catch (e) {
      setBusy(false);

      if (password.current) {
        password.current.value = '';
        password.current.focus();
      }

      if (!(e instanceof ApiError)) {
        throw e;
      }

      /* whatever code a refused login has, it means the same to the user */
      setError(e.status === 401 ? new ApiError(401, 'login_failed') : e);
    }
  };

  return html`<${Banners} /><main class="login">
    <div class="tools"><${Preferences} /></div>
    <form class="card" onSubmit=${submit}>
      <div class="brand"><${Icon} name="pulse" /><h1>procmgr</h1></div>
      <p class="sub">${t('login.sub')}</p>
      <div role="alert">
        ${error ? html`<${Notice} kind="bad"><${Problem} error=${error} />
            ${error.retryAfter > 0 && html` ${t('login.wait',
              { n: error.retryAfter })}`}<//>`
          : expired && html`<${Notice} kind="warn">${t('login.expired')}<//>`}
      </div>
      <label>${t('login.user')}
        <input ref=${user} name="username" autocomplete="username" required
          autocapitalize="none" spellcheck="false" maxlength="64" />
      </label>
      <label>${t('login.password')}
        <input ref=${password} name="password" type="password" required
          autocomplete="current-password" maxlength="512" />
      </label>
      <button type="submit" class="primary" disabled=${busy}>
        ${busy ? t('login.busy') : t('login.submit')}</button>
    </form>
  </main>`;
}
