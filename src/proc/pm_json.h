
/*
 * Appending JSON writer for long lists.
 *
 * Bytes go to a list of bounded chunks; nothing is ever measured first.
 * The first failure (no memory, limit passed) is sticky: later calls do
 * nothing and pm_json_error() tells.  Strings may hold any bytes: invalid
 * UTF-8 becomes U+FFFD, control characters are escaped.  Integers above
 * 2^53 - 1 are written as strings, because JavaScript cannot hold them.
 *
 * It has no state but its own and runs in any thread.
 */


#ifndef _PM_JSON_H_INCLUDED_
#define _PM_JSON_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_JSON_CHUNK  32768


typedef struct pm_json_chunk_s  pm_json_chunk_t;

struct pm_json_chunk_s {
    pm_json_chunk_t  *next;
    size_t            len;
    char              data[PM_JSON_CHUNK];
};


typedef struct {
    pm_json_chunk_t  *first;
    pm_json_chunk_t  *last;
    size_t            total;        /* bytes in all chunks */
    size_t            limit;        /* 0 is unlimited */
    int               error;        /* 0, ENOMEM or EFBIG */
    unsigned          comma:1;      /* a value stands before here */
} pm_json_t;


void pm_json_init(pm_json_t *j, size_t limit);
void pm_json_free(pm_json_t *j);
int pm_json_error(const pm_json_t *j);

/* all chunks in one malloc()ed block of j->total bytes, or NULL */
char *pm_json_flatten(const pm_json_t *j);

void pm_json_object(pm_json_t *j);
void pm_json_object_end(pm_json_t *j);
void pm_json_array(pm_json_t *j);
void pm_json_array_end(pm_json_t *j);

/* a key the program wrote: no escaping is done */
void pm_json_key(pm_json_t *j, const char *key);
/* a key from the outside: escaped as a string */
void pm_json_key_n(pm_json_t *j, const char *key, size_t len);

void pm_json_str(pm_json_t *j, const char *s);          /* NULL is null */
void pm_json_strn(pm_json_t *j, const char *s, size_t len);
void pm_json_u64(pm_json_t *j, uint64_t v);
void pm_json_i64(pm_json_t *j, int64_t v);
void pm_json_double(pm_json_t *j, double v);            /* reads back equal */
void pm_json_fixed(pm_json_t *j, double v, int digits); /* digits after '.' */
void pm_json_bool(pm_json_t *j, int v);
void pm_json_null(pm_json_t *j);

/* a finished value, copied as it is */
void pm_json_raw(pm_json_t *j, const char *s, size_t len);

/*
 * The length of the UTF-8 sequence at s, or, with *valid = 0, of the bytes
 * that one U+FFFD stands for (a maximal subpart, as browsers decode).
 */
size_t pm_utf8_sequence(const char *s, size_t len, int *valid);

/*
 * Copies text from outside for a place that takes only valid UTF-8 without
 * U+0000 (text of a database): broken bytes become U+FFFD, U+0000 is left
 * out.  Ends dst with a NUL, cuts between characters where size does not
 * suffice (3 * len + 1 always does) and returns the length.
 */
size_t pm_utf8_repair(char *dst, size_t size, const char *src, size_t len);


#endif /* _PM_JSON_H_INCLUDED_ */
