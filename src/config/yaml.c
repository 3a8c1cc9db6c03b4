/* yaml.c: see yaml.h. Builds the tree from libyaml's events, by recursion of bounded depth.
 *
 * An alias shares its anchor's children, so a document of aliases of aliases takes no more
 * memory than its text; how often it may be read is bounded by the nodes it stands for. */
#include "yaml.h"

#include <stdio.h>
#include <yaml.h>

enum {
    DEPTH_MAX = 32,
    ANCHORS_MAX = 256,
    /* Far more than any configuration has; a document of aliases reaches it in a few lines. */
    NODES_MAX = 1000000
};

struct anchor {
    struct str name;
    const struct yaml *node;
    size_t size; /* nodes it stands for, itself included */
};

struct builder {
    yaml_parser_t parser;
    struct arena *arena;
    struct anchor anchors[ANCHORS_MAX];
    size_t anchor_count;
    size_t nodes;
    struct diag *diag;
    bool failed;
};

static struct yaml *fail(struct builder *b, yaml_mark_t mark, enum sl_err err, const char *what)
{
    char where[32];
    snprintf(where, sizeof where, "%zu", mark.line + 1);
    if (b->diag && !b->failed)
        diag_set(b->diag, err, where, "%s", what);
    b->failed = true;
    return NULL;
}

static bool next_event(struct builder *b, yaml_event_t *e)
{
    if (yaml_parser_parse(&b->parser, e))
        return true;
    char what[200];
    const char *problem = b->parser.problem ? b->parser.problem : "cannot be read";
    snprintf(what, sizeof what, "not YAML: %s%s%s", problem, b->parser.context ? ", " : "",
             b->parser.context ? b->parser.context : "");
    yaml_mark_t mark = b->parser.problem_mark;
    if (b->parser.error == YAML_READER_ERROR)
        mark.line = b->parser.mark.line;
    fail(b, mark, SL_SYNTAX, what);
    return false;
}

static struct str copy_bytes(struct builder *b, const yaml_char_t *p, size_t n)
{
    return arena_copy(b->arena, (struct str){(const char *)p, n});
}

static struct str copy_name(struct builder *b, const yaml_char_t *name)
{
    return name ? arena_copy(b->arena, str_of((const char *)name)) : (struct str){0};
}

static struct yaml *node_new(struct builder *b, enum yaml_kind kind, yaml_mark_t mark)
{
    struct yaml *n = arena_alloc(b->arena, sizeof *n);
    n->kind = kind;
    n->line = (int)mark.line + 1;
    n->column = (int)mark.column + 1;
    if (++b->nodes > NODES_MAX)
        return fail(b, mark, SL_TOO_LARGE, "the document is too large");
    return n;
}

static void remember(struct builder *b, struct str name, const struct yaml *node, size_t size,
                     yaml_mark_t mark)
{
    if (!name.p || b->failed)
        return;
    if (b->anchor_count == ANCHORS_MAX) {
        fail(b, mark, SL_TOO_LARGE, "too many anchors");
        return;
    }
    b->anchors[b->anchor_count++] = (struct anchor){name, node, size};
}

static struct yaml *alias(struct builder *b, struct str name, yaml_mark_t mark)
{
    for (size_t i = b->anchor_count; i > 0; i--) {
        const struct anchor *a = &b->anchors[i - 1];
        if (!str_eq(a->name, name))
            continue;
        struct yaml *copy = node_new(b, a->node->kind, mark);
        b->nodes += a->size;
        if (!copy || b->nodes > NODES_MAX)
            return fail(b, mark, SL_TOO_LARGE, "the document is too large");
        copy->text = a->node->text;
        copy->quoted = a->node->quoted;
        copy->count = a->node->count;
        copy->first = a->node->first;
        return copy;
    }
    return fail(b, mark, SL_UNKNOWN, "an alias of an anchor that is not there");
}

static struct yaml *build(struct builder *b, yaml_event_t *e, int depth);

/* One key of a map: a plain text. */
static bool read_key(struct builder *b, yaml_event_t *e, struct str *key)
{
    bool text = e->type == YAML_SCALAR_EVENT;
    if (text)
        *key = copy_bytes(b, e->data.scalar.value, e->data.scalar.length);
    else
        fail(b, e->start_mark, SL_TYPE, "a key must be a text");
    yaml_event_delete(e);
    return text;
}

static void read_children(struct builder *b, struct yaml *parent, int depth)
{
    bool map = parent->kind == YAML_MAP;
    yaml_event_type_t end = map ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    struct yaml **at = &parent->first;
    yaml_event_t e;
    while (!b->failed && next_event(b, &e)) {
        struct str key = {0};
        if (e.type == end) {
            yaml_event_delete(&e);
            return;
        }
        int line = (int)e.start_mark.line + 1;
        if (map && (!read_key(b, &e, &key) || !next_event(b, &e)))
            return;
        struct yaml *child = build(b, &e, depth + 1);
        if (!child)
            return;
        child->key = key;
        if (map)
            child->line = line; /* people look for the key */
        *at = child;
        at = &child->next;
        parent->count++;
    }
}

static bool is_tagged(const yaml_event_t *e)
{
    if (e->type == YAML_SCALAR_EVENT)
        return e->data.scalar.tag != NULL;
    if (e->type == YAML_SEQUENCE_START_EVENT)
        return e->data.sequence_start.tag != NULL;
    return e->type == YAML_MAPPING_START_EVENT && e->data.mapping_start.tag != NULL;
}

/* Takes the event, and those that follow it up to the node's end. */
static struct yaml *build(struct builder *b, yaml_event_t *e, int depth)
{
    yaml_mark_t mark = e->start_mark;
    struct yaml *n = NULL;
    struct str name = {0};
    size_t before = b->nodes;
    bool tagged = is_tagged(e);
    if (e->type == YAML_ALIAS_EVENT) {
        n = alias(b, copy_name(b, e->data.alias.anchor), mark);
    } else if (e->type == YAML_SCALAR_EVENT) {
        n = node_new(b, YAML_TEXT, mark);
        name = copy_name(b, e->data.scalar.anchor);
        if (n) {
            n->text = copy_bytes(b, e->data.scalar.value, e->data.scalar.length);
            n->quoted = e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        }
    } else if (e->type == YAML_SEQUENCE_START_EVENT) {
        n = node_new(b, YAML_LIST, mark);
        name = copy_name(b, e->data.sequence_start.anchor);
    } else {
        sl_assert(e->type == YAML_MAPPING_START_EVENT);
        n = node_new(b, YAML_MAP, mark);
        name = copy_name(b, e->data.mapping_start.anchor);
    }
    bool children = e->type == YAML_SEQUENCE_START_EVENT || e->type == YAML_MAPPING_START_EVENT;
    yaml_event_delete(e);
    if (tagged)
        return fail(b, mark, SL_TYPE, "tags (!...) are not used here");
    if (depth > DEPTH_MAX)
        return fail(b, mark, SL_TOO_LARGE, "nested too deeply");
    if (n && children)
        read_children(b, n, depth);
    remember(b, name, n, b->nodes - before, mark);
    return b->failed ? NULL : n;
}

/* Stream, document, its node, and nothing after it. */
static struct yaml *read_document(struct builder *b)
{
    struct yaml *root = NULL;
    yaml_event_t e;
    while (!b->failed && next_event(b, &e)) {
        bool node = e.type == YAML_SCALAR_EVENT || e.type == YAML_SEQUENCE_START_EVENT ||
                    e.type == YAML_MAPPING_START_EVENT || e.type == YAML_ALIAS_EVENT;
        if (node && !root) {
            root = build(b, &e, 0);
            continue;
        }
        bool second = e.type == YAML_DOCUMENT_START_EVENT && root;
        bool last = e.type == YAML_STREAM_END_EVENT;
        yaml_mark_t mark = e.start_mark;
        yaml_event_delete(&e);
        if (second)
            return fail(b, mark, SL_SYNTAX, "a second document");
        if (last)
            return root ? root : node_new(b, YAML_MAP, mark);
    }
    return NULL;
}

struct yaml *yaml_parse(struct arena *a, struct str text, struct diag *diag)
{
    struct builder b = {.arena = a, .diag = diag};
    int ok = yaml_parser_initialize(&b.parser);
    sl_assert(ok);
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)text.p, text.n);
    struct yaml *root = read_document(&b);
    yaml_parser_delete(&b.parser);
    return root;
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    if (!map || map->kind != YAML_MAP)
        return NULL;
    for (const struct yaml *n = map->first; n; n = n->next) {
        if (str_eq(n->key, str_of(key)))
            return n;
    }
    return NULL;
}
