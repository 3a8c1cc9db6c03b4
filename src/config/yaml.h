/* yaml.h: a YAML document as a tree in an arena, every node with its line.
 *
 * Parsing is libyaml's (YAML 1.1). One document; scalars stay texts, what they mean is decided
 * by who reads them. Anchors and aliases may be used; tags and a second document may not. */
#ifndef SLUICE_YAML_H
#define SLUICE_YAML_H

#include "arena.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };

struct yaml {
    enum yaml_kind kind;
    struct str text; /* of a scalar; NUL-terminated */
    bool quoted;     /* "yes" in quotes is a text */
    struct str key;  /* under which the parent map holds it; NUL-terminated */
    int line, column;
    size_t count;
    struct yaml *first; /* children in order */
    struct yaml *next;
};

/* NULL with *diag, whose `where` is the line ("12"). An empty document is an empty map. */
struct yaml *yaml_parse(struct arena *a, struct str text, struct diag *diag);
/* The value under that key, or NULL; NULL and other kinds have none. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);

#endif
