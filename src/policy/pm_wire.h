
/*
 * What the worker and the helper say to each other over a socket pair.
 *
 * A message is a head of 16 bytes and `len' bytes behind it:
 *
 *   'Q' request: a text of at most PM_WIRE_TEXT bytes, sealed by a MAC;
 *       head.pid bytes of payload (pm_wire_pid_t[]) follow the text when it
 *       has "payload_sha256"
 *   'R' one record of a streamed answer (a descriptor list, a file, ...)
 *   'F' the final answer: a text, and behind it stdout_len and stderr_len
 *       bytes as the text says; head.pid is their sum.  An end of file
 *       before it means that nobody knows.
 *
 * A text is lines of key=value.  In a value '%', bytes below 0x20 and 0x7f
 * are written as %XX; a key is [a-z0-9_]{1,32} and stands once.
 * Both ends run on the same host and build: numbers are in native order.
 */


#ifndef _PM_WIRE_H_INCLUDED_
#define _PM_WIRE_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define PM_WIRE_TEXT      4096
#define PM_WIRE_KEYS      48
#define PM_WIRE_KEY_LEN   32          /* bytes of the MAC key */
#define PM_WIRE_OUTPUT    65536       /* per stream, the rest is counted */
/* smaps of as many mappings as a process may have; a longer one is cut */
#define PM_WIRE_RECORD_LEN  (64 * 1024 * 1024)
#define PM_WIRE_PIDS      131072      /* in one request */

#define PM_WIRE_REQUEST   'Q'
#define PM_WIRE_RECORD    'R'
#define PM_WIRE_FINAL     'F'


typedef struct {
    uint8_t   type;
    uint8_t   field;                  /* of a record: PM_READ_* */
    uint16_t  error;                  /* of a record: errno, 0 is none */
    uint32_t  len;                    /* bytes behind the head */
    int32_t   pid;                    /* of a record; payload of a request */
    uint32_t  more;                   /* of a record: it was cut here */
} pm_wire_head_t;


typedef struct {                      /* an element of a read's payload */
    int32_t   pid;
    uint32_t  fields;                 /* bits 1 << PM_READ_* */
    uint64_t  starttime;              /* ticks; another one is ESRCH */
} pm_wire_pid_t;


/*
 * Fields of the verb "read", each a bit 1 << PM_READ_* in a request and one
 * record in the answer.  The data of a record is the file as the kernel
 * gives it but for these:
 *   FD      "<fd> <link>\0" for every descriptor
 *   FILES   "<fd> <pos> <flags octal> <path>\0" for every regular file
 *   NFILES  the number of regular files in decimal
 *   NETNS   "net:[<number>]", where the link of the namespace leads
 */
typedef enum {
    PM_READ_FD = 0,
    PM_READ_FILES,
    PM_READ_NFILES,
    PM_READ_EXE,
    PM_READ_CWD,
    PM_READ_ENVIRON,
    PM_READ_IO,
    PM_READ_CMDLINE,
    PM_READ_MAPS,
    PM_READ_SMAPS,
    PM_READ_SMAPS_ROLLUP,
    PM_READ_NETNS,
    PM_READ_MAX
} pm_read_field_e;

extern const char *const  pm_read_names[PM_READ_MAX];   /* "fd", "files" .. */


typedef struct {
    char      data[PM_WIRE_TEXT];
    size_t    len;
    int       error;                  /* sticky: it did not fit, bad key */
} pm_wire_text_t;


void pm_wire_start(pm_wire_text_t *t);
void pm_wire_add(pm_wire_text_t *t, const char *key, const char *value);
void pm_wire_addn(pm_wire_text_t *t, const char *key, const void *value,
    size_t len);
void pm_wire_addu(pm_wire_text_t *t, const char *key, uint64_t value);
void pm_wire_addi(pm_wire_text_t *t, const char *key, int64_t value);
/* the last line, mac=<64 hex> over all bytes before it */
void pm_wire_seal(pm_wire_text_t *t, const uint8_t key[PM_WIRE_KEY_LEN]);


typedef struct {
    const char  *key;
    const char  *value;               /* unescaped, zero terminated */
    size_t       len;                 /* may hold zeros before its end */
} pm_wire_pair_t;

typedef struct {
    pm_wire_pair_t  pair[PM_WIRE_KEYS];
    size_t          n;
} pm_wire_msg_t;


/*
 * Parses a text in place (data[len] must be writable).  With a key, the MAC
 * must be the last line and right.  0, or -1 and a word in *why.
 */
int pm_wire_parse(pm_wire_msg_t *m, char *data, size_t len,
    const uint8_t *key, const char **why);

/* NULL when there is none */
const char *pm_wire_get(const pm_wire_msg_t *m, const char *key);
const pm_wire_pair_t *pm_wire_pair(const pm_wire_msg_t *m, const char *key);
/* 0, or -1 when missing, no decimal number or above max */
int pm_wire_getu(const pm_wire_msg_t *m, const char *key, uint64_t max,
    uint64_t *value);


#endif /* _PM_WIRE_H_INCLUDED_ */
