
/*
 * Commands of the policy: the typed line is split into words, never run by a
 * shell, and the helper compares the words with those of the policy.
 */


#include "ngx_http_procmgr_control.h"
#include "../policy/pm_policy.h"
#include "../policy/pm_policy_option.h"
#include "../policy/pm_words.h"


/* whether a command runs as root changes with the policy only */
#define NGX_HTTP_PROCMGR_COMMAND_AGE  60000     /* ms */


typedef struct {
    ngx_str_t                 command;
    ngx_flag_t                measure;
} ngx_http_procmgr_command_t;


static ngx_int_t ngx_http_procmgr_command_listed(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *list);
static size_t ngx_http_procmgr_command_words(json_t *list,
    const char *words[PM_POLICY_WORDS]);
static ngx_uint_t ngx_http_procmgr_command_placeholder(const char *word);


static const ngx_http_procmgr_member_t  ngx_http_procmgr_command_members[] = {

    { "command", 's', 0, offsetof(ngx_http_procmgr_command_t, command),
      0, 4096 },

    { "measure", 'b', 1, offsetof(ngx_http_procmgr_command_t, measure),
      0, 0 },

    { NULL, 0, 0, 0, 0, 0 }
};


ngx_int_t
ngx_http_procmgr_control_command(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx)
{
    char                          *text;
    u_char                         reason[128];
    ngx_int_t                      rc;
    pm_words_t                     words;
    ngx_procmgr_view_t             view;
    ngx_http_procmgr_act_t        *act;
    ngx_http_procmgr_command_t     command;
    ngx_http_procmgr_list_args_t   args;

    if (ngx_http_procmgr_args(r, ctx, NULL, NULL) != NGX_OK) {
        return ctx->rc;
    }

    ngx_memzero(&command, sizeof(ngx_http_procmgr_command_t));

    if (ngx_http_procmgr_members(r, ctx, ngx_http_procmgr_command_members,
                                 &command)
        != NGX_OK)
    {
        return ctx->rc;
    }

    rc = pm_words_split(&words, (char *) command.command.data,
                        command.command.len);

    act = ngx_http_procmgr_control_act(r,
              ngx_http_procmgr_command_request(&words, command.measure));

    /* the row shows what was typed */

    text = ngx_http_procmgr_text(r, &command.command, 1024);

    if (act == NULL || text == NULL) {
        return NGX_ERROR;
    }

    act->type = "command_run";
    act->verb = "command";
    act->measured = command.measure;
    act->target.data = (u_char *) text;
    act->target.len = ngx_strlen(text);

    if (ngx_http_procmgr_control_may(r, ctx, act) != NGX_OK) {
        return ctx->rc;
    }

    if (rc != 0) {
        *ngx_sprintf(reason, "the command cannot be split into words: %s at "
                     "position %uz", words.error, words.at + 1)
            = '\0';

        return ngx_http_procmgr_op_refuse(r, ctx, act, "bad_command",
                                          (char *) reason);
    }

    ctx->data = act;

    ngx_memzero(&args, sizeof(ngx_http_procmgr_list_args_t));

    args.what = NGX_HTTP_PROCMGR_LIST_COMMANDS;
    args.role = ctx->role;

    if (ngx_http_procmgr_control_view(r, &args, &view) != NGX_OK) {
        return NGX_ERROR;
    }

    view.max_age = NGX_HTTP_PROCMGR_COMMAND_AGE;

    return ngx_http_procmgr_control_look(r, ctx, &view,
                                         ngx_http_procmgr_command_listed);
}


json_t *
ngx_http_procmgr_command_request(pm_words_t *words, ngx_flag_t measure)
{
    size_t   i;
    json_t  *argv;

    argv = json_array();

    for (i = 0; i < words->n; i++) {
        if (json_array_append_new(argv, json_string(words->word[i])) != 0) {
            json_decref(argv);
            return NULL;
        }
    }

    return json_pack("{s:o, s:b}", "argv", argv, "measure", (int) measure);
}


/*
 * Which command it is tells what is held and whether root will run it.  What
 * the policy does not know is refused by the helper, which says so in a row.
 */

static ngx_int_t
ngx_http_procmgr_command_listed(ngx_http_request_t *r,
    ngx_http_procmgr_ctx_t *ctx, ngx_procmgr_body_t *body, json_t *list)
{
    u_char                  *p;
    json_t                  *entry;
    const char              *id, *user;
    ngx_http_procmgr_act_t  *act;

    act = ctx->data;

    entry = ngx_http_procmgr_command_find(list,
                                     json_object_get(act->request, "argv"));

    id = json_string_value(json_object_get(entry, "id"));
    user = json_string_value(json_object_get(entry, "user"));

    if (user
        && (ngx_strcmp(user, "root") == 0 || ngx_strcmp(user, "0") == 0)
        && ngx_http_procmgr_control_fresh(r, ctx, act) != NGX_OK)
    {
        return ctx->rc;
    }

    act->known = (id != NULL);

    if (id == NULL) {
        id = (char *) act->target.data;
    }

    p = ngx_pnalloc(r->pool, sizeof("command:") + ngx_strlen(id));
    if (p == NULL) {
        return NGX_ERROR;
    }

    act->lock.data = p;
    act->lock.len = ngx_sprintf(p, "command:%s", id) - p;

    return ngx_http_procmgr_op_start(r, ctx, act);
}


json_t *
ngx_http_procmgr_command_find(json_t *list, json_t *argv)
{
    size_t                    i, k, n;
    json_t                   *item;
    const char               *typed[PM_POLICY_WORDS];
    const char               *words[PM_POLICY_WORDS];
    pm_policy_t               policy;
    pm_policy_entry_t         entry;
    const pm_policy_entry_t  *found;

    n = ngx_http_procmgr_command_words(argv, typed);

    ngx_memzero(&policy, sizeof(pm_policy_t));

    policy.entry = &entry;
    policy.n = 1;

    json_array_foreach(list, i, item) {

        ngx_memzero(&entry, sizeof(pm_policy_entry_t));

        entry.kind = PM_POLICY_COMMAND;
        entry.roles = PM_ROLE_ADMIN;
        entry.words = words;
        entry.nwords = ngx_http_procmgr_command_words(
                                     json_object_get(item, "words"), words);

        for (k = 0; k < entry.nwords; k++) {
            if (ngx_http_procmgr_command_placeholder(words[k])) {
                entry.placeholders |= UINT64_C(1) << k;
            }
        }

        if (entry.nwords
            && pm_policy_command(&policy, "", typed, n, PM_ROLE_ADMIN, &found)
               == PM_PERMIT)
        {
            return item;
        }
    }

    return NULL;
}


static size_t
ngx_http_procmgr_command_words(json_t *list,
    const char *words[PM_POLICY_WORDS])
{
    size_t       i;
    json_t      *word;
    const char  *text;

    json_array_foreach(list, i, word) {

        text = json_string_value(word);

        if (text == NULL || i == PM_POLICY_WORDS) {
            return 0;
        }

        words[i] = text;
    }

    return json_array_size(list);
}


/* as the policy's parser has it; it has looked at the words already */

static ngx_uint_t
ngx_http_procmgr_command_placeholder(const char *word)
{
    size_t      len;
    pm_range_t  range;

    len = ngx_strlen(word);

    if (len < 6 || word[len - 1] != ')') {
        return 0;
    }

    return ngx_strncmp(word, "enum(", 5) == 0
           || (ngx_strncmp(word, "int(", 4) == 0
               && pm_policy_range(word + 4, len - 5, INT32_MIN, INT32_MAX,
                                  &range)
                  == 0);
}
