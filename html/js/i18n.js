/*
 * Words: flat files i18n/<lang>.json, {name} marks a value.  Values are put
 * in as text; nothing here makes markup.
 */

import { app, storedLanguage, storeLanguage } from './store.js';

export const LANGUAGES = { en: 'English', zh: '中文' };

/** @type {Record<string, string>} */
let words = {};
/** @type {Intl.PluralRules} */
let plural = new Intl.PluralRules('en');


function preferred() {
  const stored = storedLanguage();

  if (stored && stored in LANGUAGES) {
    return stored;
  }

  for (const tag of navigator.languages ?? [navigator.language]) {
    const lang = tag.toLowerCase().split('-')[0];

    if (lang in LANGUAGES) {
      return lang;
    }
  }

  return 'en';
}


/** @param {string} lang */
async function load(lang) {
  const answer = await fetch(new URL(`../i18n/${lang}.json`, import.meta.url));

  if (!answer.ok) {
    throw new Error(`i18n/${lang}.json: ${answer.status}`);
  }

  words = await answer.json();
  plural = new Intl.PluralRules(lang);
  document.documentElement.lang = lang === 'zh' ? 'zh-CN' : lang;
  app.set({ lang });
}


export const loadLanguage = () => load(preferred());


/** @param {string} lang */
export async function setLanguage(lang) {
  await load(lang);
  storeLanguage(lang);
}


/**
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const text = words[key] ?? key;

  return text.replace(/\{(\w+)\}/g, (all, name) => (
    name in values ? String(values[name]) : all));
}


/**
 * A sentence with a number: key.one, key.other as the language has them.
 *
 * @param {string} key
 * @param {number} n
 */
export function tn(key, n) {
  const form = `${key}.${plural.select(n)}`;

  return t(form in words ? form : `${key}.other`, { n });
}


/**
 * The words for a member of an open set (codes, types, keys of facts), or
 * what the server sent where the page has none.
 *
 * @param {string} set
 * @param {string} member
 */
export const tm = (set, member) => words[`${set}.${member}`] ?? member;

/** @param {string} set @param {string} member */
export const has = (set, member) => `${set}.${member}` in words;


/*
 * The members that have words.  The i18n test reads this list: each needs its
 * key in every language, and no other key may stand under the set's name.
 */
export const SETS = {
  action: ['start', 'stop', 'restart', 'reload', 'enable', 'disable'],
  doing: ['start', 'stop', 'restart', 'reload', 'enable', 'disable'],
  confirm: ['start', 'stop', 'restart', 'reload', 'enable', 'disable'],
  done: ['service_start', 'service_stop', 'service_restart', 'service_reload',
    'service_enable', 'service_disable', 'command_run', 'process_signal',
    'process_priority'],
  state: ['active', 'inactive', 'failed', 'activating', 'deactivating',
    'unknown'],
  ret: ['pending', 'running', 'success', 'failure', 'refused', 'unknown'],
  watching: ['running', 'waiting', 'stopped', 'ended'],
  segment: ['text', 'data', 'heap', 'stack', 'libraries', 'anonymous',
    'shared', 'other'],
  amount: ['size', 'rss', 'pss', 'uss', 'swap'],
  measure: ['size', 'rss', 'pss', 'uss', 'swap'],
  role: ['viewer', 'operator', 'admin'],
  theme: ['system', 'light', 'dark'],
  type: ['service_start', 'service_stop', 'service_restart', 'service_reload',
    'service_enable', 'service_disable', 'command_run', 'process_signal',
    'process_priority', 'login', 'logout', 'login_failed', 'password_changed',
    'memory_alert', 'memory_watch', 'sensitive_read', 'account_added',
    'account_changed', 'account_deleted', 'token_added', 'token_revoked',
    'log_archived', 'request_denied'],
  status: ['running', 'sleeping', 'disk-sleep', 'idle', 'stopped',
    'tracing-stop', 'zombie', 'dead'],
  signal: ['TERM', 'KILL', 'INT', 'QUIT', 'HUP', 'STOP', 'CONT', 'USR1',
    'USR2'],
  field: ['pid', 'name', 'username', 'cpu_percent', 'memory_percent', 'rss',
    'vms', 'shared', 'num_threads', 'num_openfiles', 'num_fds', 'status',
    'swap', 'read_bytes_per_s', 'write_bytes_per_s', 'ppid', 'create_time',
    'cpu_times', 'cpu_num', 'cpu_affinity', 'nice', 'ionice', 'affinity',
    'num_ctx_switches', 'terminal', 'exe', 'cwd', 'cmdline', 'unit', 'cgroup',
    'uids', 'gids'],
  about: ['rss', 'vms', 'shared', 'num_fds', 'num_openfiles', 'cpu_percent',
    'nice', 'num_ctx_switches'],
  part: ['path', 'mode', 'position', 'type', 'laddr', 'raddr', 'status',
    'user_time', 'system_time', 'rss', 'size', 'pss', 'swap'],
  event: ['intent', 'outcome', 'resolved'],
  fact: ['os_type', 'os_version', 'hostname', 'kernel', 'architecture',
    'boot_time', 'uptime', 'timezone', 'cpu_model', 'cpu_count', 'load',
    'users', 'virtualization', 'memory_total', 'swap_total', 'schedule'],
  code: ['already_running', 'bad_unit', 'bearer_token', 'condition_failed',
    'config_invalid', 'database_schema', 'dependency_failed',
    'forced', 'last_admin', 'manager_unavailable', 'masked', 'missing_program',
    'not_allowed', 'not_installable', 'not_running', 'rate_limited',
    'refuse_manual', 'reload_unsupported', 'start_failed', 'start_timeout',
    'bad_command', 'bad_name', 'invalid_value', 'journal_unavailable',
    'log_unreadable', 'no_log', 'own_unit', 'permission_denied', 'protected',
    'still_alive', 'tree_too_large', 'zombie', 'access_denied',
    'action_not_allowed', 'already_exists', 'bad_answer', 'bad_csrf',
    'bad_host', 'bad_json', 'bad_mac', 'bad_origin', 'bad_parameter',
    'bad_reply', 'bad_request', 'body_too_large', 'busy',
    'database_unavailable', 'exit_status', 'expired', 'failed', 'helper_error',
    'helper_unavailable', 'idempotency_mismatch', 'internal_error',
    'key_unreadable', 'login_failed', 'lost', 'method_not_allowed',
    'no_effect', 'no_session', 'no_such_process', 'not_executable',
    'not_found', 'not_json', 'not_restarted', 'not_setuid', 'not_started',
    'not_supported', 'outcome_not_recorded', 'policy_denied', 'policy_invalid',
    'read_only', 'reauth_required', 'replayed', 'role_too_low', 'server_away',
    'server_error', 'signaled', 'spool_failed', 'stale_process',
    'system_call_failed', 'target_busy', 'throttled', 'timeout', 'too_large',
    'too_many_listeners', 'too_many_operations', 'unchanged',
    'unknown_command', 'unknown_service', 'unknown_user', 'unsupported',
    'wrong_password', 'zombie_process', 'zone_full'],
};
