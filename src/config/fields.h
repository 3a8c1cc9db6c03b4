/* fields.h: a YAML map read through a table, and every complaint with its line.
 *
 * Plain values are rows of option.h, so a configuration knows the same kinds as a command line
 * and says the same of a bad one; "max-wait" there is "max_wait" here. Reading goes on after a
 * complaint: people want to see all of them. */
#ifndef SLUICE_FIELDS_H
#define SLUICE_FIELDS_H

#include "option.h"
#include "yaml.h"

enum { COMPLAINTS_MAX = 50 };

/* "sluice.yaml:12: accounts.main.tier: ..." */
struct complaints {
    const char *file;
    struct buf text; /* a line each */
    size_t n;
};

void complain_about(struct complaints *c, const struct yaml *node, const char *path,
                    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* What is being read: where complaints go, where texts live, and the way to here. */
struct reader {
    struct complaints *complaints;
    char path[160]; /* "accounts.main", "" at the top */
};

struct field {
    const char *name;
    /* A map, a list, or whatever else is no plain value. */
    void (*read)(struct reader *r, const struct yaml *node, void *out);
    void *out;
};

/* Both tables may be empty; keys that stand in neither, or twice, are complained about. */
void fields_read(struct reader *r, const struct yaml *map, const struct option *options,
                 size_t option_count, const struct field *fields, size_t field_count);
/* Calls `each` for every entry of a map of names, with the path below. */
void fields_each(struct reader *r, const struct yaml *map,
                 void (*each)(struct reader *r, const struct yaml *node, void *out), void *out);
/* A list of texts, or one text, into at most `max` places. */
size_t fields_texts(struct reader *r, const struct yaml *node, const char **out, size_t max);

#endif
