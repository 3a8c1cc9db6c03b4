/* pattern.c: see pattern.h. */
#include "pattern.h"

static const struct str any = {"*", 1};

/* The next segment of *path ("/a/b" gives "a"); false at its end. */
static bool next_segment(struct str *path, struct str *segment)
{
    if (path->n == 0)
        return false;
    *path = str_from(*path, 1); /* the slash */
    size_t n = 0;
    while (n < path->n && path->p[n] != '/')
        n++;
    *segment = str_cut(*path, n);
    *path = str_from(*path, n);
    return true;
}

enum sl_err pattern_check(struct str pattern, struct diag *diag)
{
    struct str path = pattern, method = str_split(&path, ' '), segment;
    if (method.n == 0 || path.n < 2 || path.p[0] != '/')
        return diag_set(diag, SL_SYNTAX, "",
                        "\"%.*s\" is no pattern: write METHOD /PATH, as in POST /v1/threads/*",
                        STR_ARG(pattern));
    while (next_segment(&path, &segment)) {
        bool star = str_find(segment, any, 0) >= 0;
        if (segment.n == 0 || (star && segment.n > 1))
            return diag_set(diag, SL_SYNTAX, "",
                            "\"%.*s\": * stands for a whole segment of the path, and no "
                            "segment is empty",
                            STR_ARG(pattern));
    }
    return SL_OK;
}

bool pattern_matches(struct str pattern, struct str method, struct str target)
{
    struct str want = pattern, wanted_method = str_split(&want, ' ');
    struct str have = str_split(&target, '?'), w, h;
    if (want.n == 0 || have.n == 0 || want.p[0] != '/' || have.p[0] != '/')
        return false;
    if (!str_eq(wanted_method, any) && !str_eq(wanted_method, method))
        return false;
    while (next_segment(&want, &w)) {
        if (!next_segment(&have, &h) || h.n == 0 || (!str_eq(w, any) && !str_eq(w, h)))
            return false;
        if (str_eq(w, any) && want.n == 0)
            return true;
    }
    return have.n == 0;
}

int pattern_weight(struct str pattern)
{
    enum { SPELT_OUT = 1000 };
    struct str path = pattern, segment;
    int weight = str_eq(str_split(&path, ' '), any) ? 0 : SPELT_OUT;
    while (next_segment(&path, &segment))
        weight += 1 + (str_eq(segment, any) ? 0 : SPELT_OUT);
    return weight;
}
