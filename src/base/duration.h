/* duration.h: spans and instants as providers and people write them. Pure: no clock is read. */
#ifndef SLUICE_DURATION_H
#define SLUICE_DURATION_H

#include "str.h"
#include <stdint.h>

/* A Go duration ("20ms", "6m0s", "1h2m3.5s", "46.001s", "1.5us") or a bare number of seconds
 * ("57", "0.5"), in microseconds; fractions below 1 us are dropped. Source: Go
 * time.ParseDuration; x-ratelimit-reset-* headers. Whole text only. */
enum sl_err duration_parse(struct str s, int64_t *us) SL_CHECK;
/* The longest duration at the start of s ("6.596s. Visit ..."): sets *used to its length. A
 * unit is required here. */
enum sl_err duration_prefix(struct str s, int64_t *us, size_t *used) SL_CHECK;
/* For machines that speak Go: "6m0s", "174ms", "9.816s", truncated to ms; 0 is "0s". */
void duration_go(struct buf *b, int64_t us);
/* For people: "644 ms", "7.2 s", "12m 18s", "3h 05m", "2d 4h". */
void duration_human(struct buf *b, int64_t us);

/* Instants in microseconds since 1970-01-01 UTC. */
/* RFC 3339 ("2024-03-26T20:00:00Z", offsets and fractions allowed). */
enum sl_err instant_rfc3339(struct str s, int64_t *us) SL_CHECK;
/* RFC 9110 HTTP-date, preferred form ("Tue, 26 Mar 2024 19:59:59 GMT"). */
enum sl_err instant_http(struct str s, int64_t *us) SL_CHECK;
/* Writes RFC 3339 in UTC, whole seconds. */
void instant_write_rfc3339(struct buf *b, int64_t us);

#endif
