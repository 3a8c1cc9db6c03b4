/* err.h: operating errors, one list for the whole house.
 *
 * Three kinds of "no" are never mixed in one int: a verdict is a value (TAKE_LATER), an
 * operating error is an enum sl_err, a programmer's error aborts (sl_assert, which stays on in
 * release builds). */
#ifndef SLUICE_ERR_H
#define SLUICE_ERR_H

#define SL_ERRORS(X)                                                                           \
    X(OK, "no error")                                                                          \
    X(NOMEM, "out of memory")                                                                  \
    X(SYNTAX, "malformed input")                                                               \
    X(RANGE, "value out of range")                                                             \
    X(MISSING, "required field missing")                                                       \
    X(TYPE, "field of the wrong type")                                                         \
    X(UNKNOWN, "name not known")                                                               \
    X(TOO_LARGE, "larger than a bound allows")                                                 \
    X(IO, "input or output failed")                                                            \
    X(FULL, "no space left")                                                                   \
    X(LOCKED, "owned by another process")                                                      \
    X(CLOSED, "closed by the peer")                                                            \
    X(TIMEOUT, "timed out")                                                                    \
    X(TLS, "TLS verification or handshake failed")                                             \
    X(RESOLVE, "host name not resolved")                                                       \
    X(CONNECT, "connection refused or unreachable")                                            \
    X(CANCELLED, "cancelled")

enum sl_err {
#define X(name, text) SL_##name,
    SL_ERRORS(X)
#undef X
};

#define SL_CHECK __attribute__((warn_unused_result))

/* What the error means, for people; never NULL. */
const char *sl_err_text(enum sl_err err);

/* Where and what of one complaint about input: "jobs.jsonl:214: body.messages[3]: invalid
 * UTF-8". `where` names the field ("" when the whole text is meant), `what` the complaint and
 * the advice. Both are truncated, never overrun. */
struct diag {
    char where[160];
    char what[480];
};

enum sl_err diag_set(struct diag *d, enum sl_err err, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

_Noreturn void sl_assert_failed(const char *expr, const char *file, int line);

/* An invariant. Stays on in release builds: a wrong budget is worse than a dead process. */
#define sl_assert(expr) ((expr) ? (void)0 : sl_assert_failed(#expr, __FILE__, __LINE__))

#endif
