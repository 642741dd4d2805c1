
/*
 * A change of a watch that was sent to the database and not answered was
 * undone in the zone; it may have been committed all the same, and by a
 * server that only stood still, later.  The list is read twice, as what was
 * sent before may still run when the database answers again.
 *
 *   create:      a watch that nobody was told of is deleted
 *   all others:  the zone follows
 */


#include "ngx_http_procmgr_watch.h"
#include "ngx_http_procmgr_sql.h"


/* longer than the server lets a statement run */
#define NGX_HTTP_PROCMGR_WATCH_LATER  4000


static void ngx_http_procmgr_watch_ask(ngx_event_t *ev);
static void ngx_http_procmgr_watch_again(ngx_http_procmgr_change_t *c);
static void ngx_http_procmgr_watch_told(void *data,
    ngx_procmgr_pg_result_t *res);
static ngx_int_t ngx_http_procmgr_watch_disown(ngx_http_procmgr_change_t *c);
static void ngx_http_procmgr_watch_disowned(void *data,
    ngx_procmgr_pg_result_t *res);
static void ngx_http_procmgr_watch_follow(ngx_http_procmgr_change_t *c,
    json_t *row);


void
ngx_http_procmgr_watch_late(ngx_http_procmgr_change_t *c)
{
    ngx_procmgr_event(&c->timer, ngx_http_procmgr_watch_ask);
    c->timer.cancelable = 1;
    c->read = 0;

    ngx_http_procmgr_watch_again(c);
}


static void
ngx_http_procmgr_watch_again(ngx_http_procmgr_change_t *c)
{
    /* who comes next reads the list anyway, or finds the zone as it is */

    if (ngx_exiting || ngx_terminate) {
        ngx_free(c);
        return;
    }

    ngx_add_timer(&c->timer, NGX_HTTP_PROCMGR_WATCH_LATER);
}


static void
ngx_http_procmgr_watch_ask(ngx_event_t *ev)
{
    const char                 *args[1];
    ngx_http_procmgr_change_t  *c;

    c = ngx_procmgr_owner(ev, ngx_http_procmgr_change_t, timer);

    args[0] = (const char *) c->pm->host.data;

    if (ngx_procmgr_pg_query(c->pm, NGX_HTTP_PROCMGR_SQL_WATCH_LIST, 1, args,
                             0, ngx_http_procmgr_watch_told, c)
        == NULL)
    {
        ngx_http_procmgr_watch_again(c);
    }
}


static void
ngx_http_procmgr_watch_told(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_change_t *c = data;

    size_t       i;
    json_t      *list, *row, *found;
    ngx_int_t    rc;
    ngx_uint_t   again;
    const char  *id;

    found = NULL;
    list = ngx_http_procmgr_pg_json(res);

    json_array_foreach(list, i, row) {

        id = json_string_value(json_object_get(row, "id"));

        if (id && ngx_strcmp(id, c->def.id) == 0) {
            found = row;
        }
    }

    again = 1;
    rc = NGX_DECLINED;

    if (json_is_array(list)) {

        again = !c->read;
        c->read = 1;

        if (c->what != NGX_HTTP_PROCMGR_WATCH_CREATE) {
            ngx_http_procmgr_watch_follow(c, found);

        } else if (found) {
            rc = ngx_http_procmgr_watch_disown(c);
        }
    }

    json_decref(list);

    if (rc == NGX_OK) {
        return;
    }

    if (again || rc == NGX_ERROR) {
        ngx_http_procmgr_watch_again(c);

    } else {
        ngx_free(c);
    }
}


static ngx_int_t
ngx_http_procmgr_watch_disown(ngx_http_procmgr_change_t *c)
{
    ngx_procmgr_watch_t  w;

    /* the zone has it: it came back from the list by a restart */

    if (ngx_procmgr_watch_get(c->pm, c->def.id, &w) == NGX_OK) {
        return NGX_DECLINED;
    }

    if (ngx_procmgr_uuid(c->op) != NGX_OK) {
        return NGX_ERROR;
    }

    c->what = NGX_HTTP_PROCMGR_WATCH_DELETE;

    if (ngx_http_procmgr_watch_query(c, ngx_http_procmgr_watch_disowned)) {
        return NGX_OK;
    }

    c->what = NGX_HTTP_PROCMGR_WATCH_CREATE;

    return NGX_ERROR;
}


static void
ngx_http_procmgr_watch_disowned(void *data, ngx_procmgr_pg_result_t *res)
{
    ngx_http_procmgr_change_t *c = data;

    if (res->ended == NGX_PROCMGR_PG_OK
        || res->ended == NGX_PROCMGR_PG_REFUSED)
    {
        ngx_http_procmgr_log_changed();
        ngx_free(c);
        return;
    }

    c->what = NGX_HTTP_PROCMGR_WATCH_CREATE;

    ngx_http_procmgr_watch_late(c);
}


/* nothing but what this change was about */

static void
ngx_http_procmgr_watch_follow(ngx_http_procmgr_change_t *c, json_t *row)
{
    u_char                    why[NGX_HTTP_PROCMGR_WATCH_WHY];
    ngx_uint_t                running, was;
    ngx_procmgr_watch_t       w;
    ngx_procmgr_watch_def_t   def;

    if (ngx_procmgr_watch_get(c->pm, c->def.id, &w) != NGX_OK) {
        return;
    }

    running = json_is_true(json_object_get(row, "running"));
    was = (w.state == NGX_PROCMGR_WATCH_RUNNING);

    switch (c->what) {

    case NGX_HTTP_PROCMGR_WATCH_DELETE:

        if (row == NULL) {
            (void) ngx_procmgr_watch_stop(c->pm, c->def.id);
            (void) ngx_http_procmgr_watch_counts(c);
        }

        break;

    case NGX_HTTP_PROCMGR_WATCH_STOP:

        if (row && !running && was) {
            (void) ngx_procmgr_watch_stop(c->pm, c->def.id);
            (void) ngx_http_procmgr_watch_counts(c);
        }

        break;

    case NGX_HTTP_PROCMGR_WATCH_START:

        if (running && !was) {
            (void) ngx_http_procmgr_watch_counts(c);
        }

        break;

    default: /* NGX_HTTP_PROCMGR_WATCH_PATCH */

        if (row && ngx_http_procmgr_watch_def_parse(
                       json_object_get(row, "def"), &def, 1, why)
                   == NGX_OK
            && (def.nlimits != w.def.nlimits || def.growth != w.def.growth
                || ngx_memcmp(def.limit, w.def.limit, sizeof(def.limit)) != 0))
        {
            ngx_memcpy(c->def.limit, def.limit, sizeof(def.limit));
            c->def.nlimits = def.nlimits;
            c->def.growth = def.growth;

            (void) ngx_http_procmgr_watch_counts(c);
        }

        break;
    }
}
