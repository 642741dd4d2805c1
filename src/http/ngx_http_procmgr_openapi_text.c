
/* The words of the description: one line for each route and parameter */


#include "ngx_http_procmgr_openapi.h"


#define SESSION  NGX_HTTP_PROCMGR_SESSION
#define SYSTEM   NGX_HTTP_PROCMGR_SYSTEM
#define MEMORY   NGX_HTTP_PROCMGR_MEMORY
#define CONTROL  NGX_HTTP_PROCMGR_CONTROL
#define LOG      NGX_HTTP_PROCMGR_LOG
#define METRICS  NGX_HTTP_PROCMGR_METRICS
#define EVENTS   NGX_HTTP_PROCMGR_EVENTS

#define GET      NGX_HTTP_GET
#define POST     NGX_HTTP_POST
#define PATCH    NGX_HTTP_PATCH
#define DELETE   NGX_HTTP_DELETE

#define LIST                                                                  \
    "human list.shape list.limit offset order status tree sort fields name "  \
    "user list.pid filter open"

#define LOG_FILTER                                                            \
    "unread logType retStatus actor target host q log.since until"

#define SEQ_MAX  9007199254740991


const ngx_http_procmgr_route_doc_t  ngx_http_procmgr_route_docs[] = {

    { SESSION, POST, "", NULL, 'o', NULL, "username! password!",
      "Log in: a session, its cookie and its CSRF token" },
    { SESSION, GET, "", NULL, 'o', NULL, NULL, "This session" },
    { SESSION, DELETE, "", NULL, '-', NULL, NULL,
      "Log out: the session ends on every host" },
    { SESSION, GET, "list", NULL, 'o', NULL, NULL,
      "The sessions of this account, for an admin those of all" },
    { SESSION, DELETE, "{id}", "session", '-', NULL, NULL, "End a session" },
    { SESSION, POST, "password", NULL, '-', NULL, "old! new!",
      "A new password; the other sessions of the account end" },
    { SESSION, POST, "reauth", NULL, '-', NULL, "password!",
      "Prove the password again: good for five minutes" },
    { SESSION, GET, "accounts", NULL, 'o', NULL, NULL, "All accounts" },
    { SESSION, POST, "accounts", NULL, 'c', NULL,
      "account.name! role! new.password! services", "A new account" },
    { SESSION, GET, "accounts/{word}", "account", 'o', NULL, NULL,
      "One account" },
    { SESSION, PATCH, "accounts/{word}", "account", 'o', NULL,
      "role new.password disabled services", "Change an account" },
    { SESSION, DELETE, "accounts/{word}", "account", '-', NULL, NULL,
      "Delete an account" },

    { SYSTEM, GET, "health", NULL, 'o', NULL, NULL, "Whether it answers" },
    { SYSTEM, GET, "openapi.json", NULL, 'o', NULL, NULL,
      "This description" },
    { SYSTEM, GET, "summary", NULL, 'o', "human", NULL,
      "What top prints above its list, as numbers and as text" },
    { SYSTEM, GET, "history", NULL, 'o', "human history.since history.limit",
      NULL, "Samples of the host, where procmgr_history is on" },
    { SYSTEM, GET, "info", NULL, 'o', "human", NULL, "Facts of the host" },
    { SYSTEM, GET, "cpu", NULL, 'o', "percpu human shape", NULL,
      "Times, percentages, counters, frequencies and number of processors" },
    { SYSTEM, GET, "memory", NULL, 'o', "human shape", NULL,
      "Virtual memory and swap, in bytes" },
    { SYSTEM, GET, "disk", NULL, 'o',
      "disk.all perdisk nowrap human shape path", NULL,
      "Partitions, the room on them and the counters of the disks" },
    { SYSTEM, GET, "sensors", NULL, 'o', "fahrenheit human shape", NULL,
      "Temperatures, fans and battery" },
    { SYSTEM, GET, "users", NULL, 'a', "human shape", NULL,
      "Who is logged in on the host" },
    { SYSTEM, GET, "boot_time", NULL, 'v', "human", NULL,
      "When the host was started, in seconds since 1970" },
    { SYSTEM, GET, "constants", NULL, 'o', "human", NULL,
      "The constants of the system by name" },
    { SYSTEM, GET, "schedule", NULL, 'a', "human", NULL,
      "Crontabs, anacron and timers with their next run" },
    { SYSTEM, GET, "units", NULL, 'a', "human", NULL,
      "The units of systemd, the failed ones first" },
    { SYSTEM, GET, "services", NULL, 'v',
      "services.all proto state port service.name netns human", NULL,
      "TCP and UDP services with all their holders; with name= an object "
      "that has matching processes too" },
    { SYSTEM, GET, "network/io", NULL, 'v', "pernic nowrap shape human", NULL,
      "Counters of the interfaces, null where there is none" },
    { SYSTEM, POST, "network/io/cache_clear", NULL, '-', NULL, NULL,
      "Forget what nowrap added so far" },
    { SYSTEM, GET, "network/connections", NULL, 'a', "kind shape human", NULL,
      "Sockets of all processes" },
    { SYSTEM, GET, "network/addrs", NULL, 'o', "shape human", NULL,
      "Addresses by interface" },
    { SYSTEM, GET, "network/stats", NULL, 'o', "shape human", NULL,
      "State, speed and flags by interface" },
    { SYSTEM, GET, "process", NULL, 'a', "num " LIST, NULL,
      "The largest processes by memory, or those asked for" },
    { SYSTEM, GET, "process/info", NULL, 'a', "simple " LIST, NULL,
      "All processes: names, or every field" },
    { SYSTEM, GET, "process/{pid}", NULL, 'a',
      "simple process.shape human", NULL, "One process, in an array" },
    { SYSTEM, GET, "process/{pid}/{word}", "item", 'v',
      "human shape grouped recursive all.kind", NULL,
      "One value of a process; grouped= is memory_maps', recursive= "
      "children's, kind= connections'" },

    { MEMORY, GET, "self", NULL, 'o', "human", NULL,
      "The memory of the worker that answers" },
    { MEMORY, GET, "{pid}", NULL, 'o', "human", NULL,
      "The memory of a process: status, segments, totals" },

    { MEMORY, GET, "{pid}/maps", NULL, 'a', "human shape grouped", NULL,
      "The maps of a process, those of one file as one" },
    { MEMORY, GET, "self/maps", NULL, 'a', "human shape grouped", NULL,
      "The maps of that worker" },
    { MEMORY, GET, "groups", NULL, 'o',
      "by groups.sort groups.order groups.limit groups.pss human", NULL,
      "Sums over the processes of a user, a unit or a name" },
    { MEMORY, GET, "watches", NULL, 'a', "human", NULL,
      "The watches there are" },
    { MEMORY, POST, "watches", NULL, 'c', NULL,
      "watch.pid unit watch.name interval_ms history_size verbose_logging "
      "thresholds_mb growth_mb_per_min on_alert detail",
      "Watch the memory of a process, a unit or all of a name" },
    { MEMORY, GET, "watches/{word}", "watch", 'o', "human", NULL,
      "What a watch has seen" },
    { MEMORY, PATCH, "watches/{word}", "watch", 'o', NULL,
      "thresholds_mb growth_mb_per_min", "Change its thresholds" },
    { MEMORY, DELETE, "watches/{word}", "watch", '-', NULL, NULL,
      "End a watch and forget it" },
    { MEMORY, GET, "watches/{word}/history", "watch", 'o',
      "human watch.since watch.limit", NULL, "Its samples" },
    { MEMORY, POST, "watches/{word}/stop", "watch", 'o', NULL, NULL,
      "Stop it: its last summary" },
    { MEMORY, POST, "watches/{word}/start", "watch", 'o', NULL, NULL,
      "Run it again" },

    { CONTROL, GET, "policy", NULL, 'o', NULL, NULL,
      "What this account may do here" },
    { CONTROL, GET, "services", NULL, 'a', NULL, NULL,
      "The services that the policy allows, with their state" },
    { CONTROL, POST, "services", NULL, 'x', NULL, "act.name! action!",
      "Start, stop, restart, reload, enable or disable a service" },
    { CONTROL, GET, "services/{word}", "service", 'o', NULL, NULL,
      "One service" },
    { CONTROL, GET, "services/{word}/journal", "service", 'o', "lines", NULL,
      "The last lines of its log" },
    { CONTROL, GET, "commands", NULL, 'a', NULL, NULL,
      "The commands that the policy allows" },
    { CONTROL, POST, "commands", NULL, 'x', NULL, "command! measure",
      "Run one of them" },
    { CONTROL, POST, "signal", NULL, 'x', NULL,
      "pid create_time identity signal! signal.tree wait_ms then",
      "Send a signal to a process, or to its tree" },
    { CONTROL, POST, "priority", NULL, 'x', NULL,
      "pid create_time identity nice ionice cpu_affinity",
      "Change the priorities of a process" },

    { METRICS, GET, "", NULL, 't', "metrics.by top", NULL,
      "Metrics of the host, of processes by name or unit, of the module" },
    { EVENTS, GET, "", NULL, 'e', NULL, NULL,
      "The summary, the state of the log, alerts and watches as they change" },

    { LOG, GET, "", NULL, 'o', LOG_FILTER " log.limit before", NULL,
      "Operations, the newest first" },
    { LOG, GET, "unread", NULL, 'o', NULL, NULL, "How many are unread" },
    { LOG, POST, "read", NULL, 'o', NULL, "ids upto mark.all",
      "Mark operations as read: one of the members" },
    { LOG, GET, "export", NULL, 't', LOG_FILTER " format", NULL,
      "All rows, as a stream" },
    { LOG, GET, "verify", NULL, 'o', "host from verify.limit", NULL,
      "Proof of the chain of rows" },
    { LOG, GET, "{id}/series", "operation", 'a', NULL, NULL,
      "The memory of a measured run" },
    { LOG, GET, "{word}", "operation", 'o', NULL, NULL,
      "One operation with its events" },

    { 0, 0, NULL, NULL, 0, NULL, NULL, NULL }
};


const ngx_http_procmgr_param_doc_t  ngx_http_procmgr_param_docs[] = {

    { "human", 'b', 0, 0, NULL, "false",
      "adds <field>_human beside each size and duration" },
    { "shape", 'e', 0, 0, "object array", "\"object\"",
      "named members, or psutil's tuples" },
    { "list.shape", 'e', 0, 0, "array object", NULL,
      "of the values that have parts; the default depends on the list" },
    { "process.shape", 'e', 0, 0, "array object", "\"array\"",
      "of the values that have parts" },

    { "simple", 'b', 0, 0, NULL, "true", "names alone, or every field" },
    { "num", 'i', 1, INT64_MAX, NULL, "10", "how many" },
    { "list.limit", 'i', 1, INT32_MAX, NULL, NULL, "how many at most" },
    { "offset", 'i', 0, INT32_MAX, NULL, "0", "how many to leave out" },
    { "order", 'e', 0, 0, "asc desc", NULL, "of sort" },
    { "sort", 's', 1, 4096, NULL, NULL, "a field" },
    { "fields", 's', 1, 4096, NULL, NULL, "those to answer with, by comma" },
    { "status", 'e', 0, 0,
      "running sleeping disk-sleep stopped tracing-stop zombie dead "
      "wake-kill waking idle parked", NULL, "processes in that state" },
    { "tree", 'b', 0, 0, NULL, "false", "children below their parents" },
    { "name", 's', 1, 128, NULL, NULL,
      "fuzzy search over name, command line, executable and unit" },
    { "user", 's', 1, 256, NULL, NULL, "name or number of the real user" },
    { "list.pid", 's', 1, 4096, NULL, NULL, "some pids, by comma" },
    { "filter", 's', 1, 4096, NULL, NULL,
      "as in: cpu_percent > 1 and (username = root or name ~ nginx)" },
    { "open", 's', 1, 1024, NULL, NULL, "processes that have this file open" },
    { "grouped", 'b', 0, 0, NULL, "true", "maps of one file as one" },

    { "by", 'e', 0, 0, "user unit name", "\"user\"",
      "what the processes of a group have in common" },
    { "metrics.by", 'e', 0, 0, "name unit", "\"name\"",
      "what the processes of a group have in common" },
    { "top", 'i', 0, 1000, NULL, "100",
      "groups by their memory, the rest is one" },
    { "groups.sort", 'e', 0, 0,
      "rss vms processes threads cpu_time pss uss swap group", "\"rss\"",
      "the order" },
    { "groups.order", 'e', 0, 0, "asc desc", NULL,
      "asc where the order is that of the groups' names, else desc" },
    { "groups.limit", 'i', 1, 100000, NULL, NULL, "how many at most" },
    { "groups.pss", 'b', 0, 0, NULL, "true",
      "PSS, USS and swap too, which takes time" },
    { "recursive", 'b', 0, 0, NULL, "false", "children's children too" },

    { "history.since", 'i', 0, SEQ_MAX, NULL, "0",
      "samples behind this number: next of the last answer" },
    { "history.limit", 'i', 1, 100000, NULL, NULL, "how many at most" },

    { "watch.since", 's', 0, 40, NULL, NULL,
      "samples behind this place: next of the last answer" },
    { "watch.limit", 'i', 1, 100000, NULL, NULL, "how many at most" },

    { "percpu", 'b', 0, 0, NULL, "false", "each processor by itself" },
    { "disk.all", 'b', 0, 0, NULL, "false",
      "mounts without a device of their own too" },
    { "perdisk", 'b', 0, 0, NULL, "false", "each disk by itself" },
    { "nowrap", 'b', 0, 0, NULL, "true", "counters that never fall" },
    { "path", 's', 1, 511, NULL, NULL, "the room where this path lies" },
    { "fahrenheit", 'b', 0, 0, NULL, "false", "degrees Fahrenheit" },

    { "services.all", 'b', 0, 0, NULL, "false",
      "all sockets, not only listening and bound ones" },
    { "proto", 'e', 0, 0, "tcp tcp6 udp udp6", NULL, "one protocol" },
    { "state", 'e', 0, 0,
      "LISTEN ESTABLISHED UNCONN SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 "
      "TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK CLOSING", NULL, "one state" },
    { "port", 'i', 1, 65535, NULL, NULL, "the local port" },
    { "service.name", 's', 0, 128, NULL, NULL,
      "fuzzy search; the answer has processes too" },
    { "netns", 'e', 0, 0, "own all", "\"own\"", "network namespaces" },
    { "pernic", 'b', 0, 0, NULL, "false", "each interface by itself" },
    { "kind", 'e', 0, 0,
      "inet inet4 inet6 tcp tcp4 tcp6 udp udp4 udp6 unix all", "\"inet\"",
      "kinds of sockets" },
    { "all.kind", 'e', 0, 0,
      "all tcp tcp4 tcp6 udp udp4 udp6 unix inet inet4 inet6", NULL,
      "kinds of sockets" },

    { "lines", 'i', 1, 1000, NULL, "100", "how many" },

    { "unread", 'b', 0, 0, NULL, "false", "unread ones alone" },
    { "logType", 'e', 0, 0,
      "service_start service_stop service_restart service_reload "
      "service_enable service_disable command_run process_signal "
      "process_priority login logout login_failed password_changed "
      "memory_alert memory_watch sensitive_read account_added "
      "account_changed account_deleted token_added token_revoked "
      "log_archived request_denied", NULL, "one type" },
    { "retStatus", 'e', 0, 0,
      "pending running success failure refused unknown", NULL,
      "one result" },
    { "actor", 's', 1, 255, NULL, NULL, "who did it" },
    { "target", 's', 1, 1024, NULL, NULL, "what it was done to" },
    { "host", 's', 1, 255, NULL, NULL, "where" },
    { "q", 's', 0, 200, NULL, NULL, "text that occurs; with a since" },
    { "log.since", 's', 1, 40, NULL, NULL, "from this time on, RFC 3339" },
    { "until", 's', 1, 40, NULL, NULL, "before this time, RFC 3339" },
    { "log.limit", 'i', 1, 500, NULL, "100", "how many at most" },
    { "before", 'i', 1, SEQ_MAX, NULL, NULL,
      "rows before this position: next of the last answer" },
    { "format", 'e', 0, 0, "csv jsonl", NULL, "of the stream" },
    { "from", 'i', 0, SEQ_MAX, NULL, NULL, "where to begin" },
    { "verify.limit", 'i', 1, 5000, NULL, "5000", "events of one call" },

    /* members of bodies */

    { "username", 's', 1, 64, NULL, NULL, "the account" },
    { "password", 's', 1, 512, NULL, NULL, "its password" },
    { "old", 's', 1, 512, NULL, NULL, "the password so far" },
    { "new", 's', 8, 512, NULL, NULL, "the password from now on" },
    { "account.name", 's', 1, 64, NULL, NULL, "the account" },
    { "role", 'e', 1, 16, "viewer operator admin", NULL, "its role" },
    { "new.password", 's', 8, 512, NULL, NULL, "its password" },
    { "disabled", 'b', 0, 0, NULL, NULL, "whether it is closed" },
    { "services", 'a', 0, 0, NULL, NULL,
      "the services it may act on; none named are all of its role" },

    { "act.name", 's', 1, 1024, NULL, NULL, "a name of the policy" },
    { "action", 'e', 0, 16, "start stop restart reload enable disable", NULL,
      "what to do" },
    { "command", 's', 1, 4096, NULL, NULL,
      "the words of an allowed command, one for one" },
    { "measure", 'b', 0, 0, NULL, "false", "time and memory too" },

    { "pid", 'i', 1, INT32_MAX, NULL, NULL, "with create_time" },
    { "create_time", 'n', 0, 0, NULL, NULL,
      "of the process, in seconds since 1970" },
    { "identity", 's', 3, 40, NULL, NULL,
      "PID:TICKS, in place of pid and create_time" },
    { "signal", 's', 1, 16, NULL, NULL, "its name, as TERM" },
    { "signal.tree", 'b', 0, 0, NULL, "false", "all children too" },
    { "wait_ms", 'i', 0, 60000, NULL, "3000", "how long to wait for the end" },
    { "then", 's', 0, 16, NULL, NULL, "a second signal for who is left" },
    { "nice", 'i', -20, 19, NULL, NULL, "the niceness" },
    { "ionice", 'm', 0, 0, NULL, NULL, "class and value" },
    { "cpu_affinity", 'm', 0, 0, NULL, NULL, "processors it may run on" },

    { "watch.pid", 'i', 1, INT32_MAX, NULL, NULL,
      "a process: one of pid, unit and name" },
    { "unit", 's', 1, 255, NULL, NULL, "the processes of a unit" },
    { "watch.name", 's', 1, 255, NULL, NULL, "the processes of a name" },
    { "interval_ms", 'i', 50, 3600000, NULL, "100", "between two samples" },
    { "history_size", 'i', 1, 100000, NULL, "1000", "samples to keep" },
    { "verbose_logging", 'b', 0, 0, NULL, "false",
      "each sample in nginx's log too" },
    { "thresholds_mb", 'd', 0, 0, NULL, "[100]",
      "an alert above each of them" },
    { "growth_mb_per_min", 'n', 0, 0, NULL, NULL,
      "an alert where it grows faster" },
    { "on_alert", 's', 1, 255, NULL, NULL,
      "a command of the policy, to run then" },
    { "detail", 'b', 0, 0, NULL, "false", "more of each sample" },

    { "ids", 'a', 0, 0, NULL, NULL, "1 to 256 operations" },
    { "upto", 'i', 1, SEQ_MAX, NULL, NULL, "all rows up to this position" },
    { "mark.all", 'b', 0, 0, NULL, NULL, "all rows: true" },

    { NULL, 0, 0, 0, NULL, NULL, NULL }
};


const ngx_http_procmgr_problem_doc_t  ngx_http_procmgr_problem_docs[] = {

    { 400, "BadRequest",
      "bad_parameter bad_json bad_request bad_name bad_command",
      "Something of the request is wrong: detail names it" },
    { 401, "Unauthorized", "no_session login_failed", "There is no session" },
    { 403, "Forbidden",
      "role_too_low policy_denied reauth_required bad_csrf bad_origin "
      "access_denied read_only bearer_token wrong_password",
      "The role, the policy or the kernel does not permit it" },
    { 404, "NotFound", "not_found no_such_process",
      "There is no such thing" },
    { 405, "NotAllowed", "method_not_allowed",
      "Allow names the methods there are" },
    { 409, "Conflict",
      "already_exists already_running last_admin target_busy "
      "idempotency_mismatch stale_process zombie_process",
      "It does not go together with what is there" },
    { 413, "TooLarge", "body_too_large", "The body is longer than 16 KiB" },
    { 415, "NotJson", "not_json", "The body is not application/json" },
    { 421, "BadHost", "bad_host", "This host has another name" },
    { 429, "Throttled", "throttled", "Retry-After says when" },
    { 500, "Failed", "system_call_failed internal_error",
      "A system call failed: detail names it" },
    { 501, "Unsupported", "unsupported not_supported",
      "This host or this configuration has it not" },
    { 503, "Unavailable",
      "database_unavailable database_schema helper_unavailable busy timeout "
      "zone_full too_many_operations too_many_listeners",
      "Something that is needed is away or full" },

    { 0, NULL, NULL, NULL }
};
