/* A modal <dialog>: the browser keeps focus inside and returns it */

import { useEffect, useRef } from 'preact/hooks';

import { html } from './html.js';
import { app } from '../store.js';


/**
 * @param {{ title: any, kind?: string, busy?: boolean, onClose: () => void,
 *           children?: any, buttons: any }} props
 */
export function Dialog({ title, kind = '', busy, onClose, children, buttons }) {
  const ref = useRef(/** @type {HTMLDialogElement | null} */ (null));

  useEffect(() => {
    const dialog = ref.current;

    app.set({ dialogs: app.get().dialogs + 1 });
    dialog?.showModal();

    return () => {
      app.set({ dialogs: app.get().dialogs - 1 });
      dialog?.close();
    };
  }, []);

  /** @param {Event} event */
  const onCancel = (event) => {
    event.preventDefault();
    onClose();
  };

  return html`<dialog ref=${ref} class=${kind} aria-labelledby="dialog-title"
    aria-busy=${busy ? 'true' : undefined} onCancel=${onCancel}>
    <h2 id="dialog-title">${title}</h2>
    <div class="words">${children}</div>
    <div class="buttons">${buttons}</div>
  </dialog>`;
}
