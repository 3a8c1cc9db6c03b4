/* beacon.c: see beacon.h. */
#include "beacon.h"

#include "file.h"
#include "json.h"
#include "replace.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 4096 };

struct beacon {
    struct buf path;
};

static const struct str prefix = {"admin-", 6}, suffix = {".json", 5};

enum sl_err beacon_light(const char *directory, const struct beacon_word *w,
                         struct beacon **out, struct diag *diag)
{
    struct beacon *b = mem_zero(sizeof *b);
    struct replacement *file;
    struct buf line = {0};
    *out = NULL;
    buf_printf(&b->path, "%s/admin-%lld.json", directory, (long long)w->pid);
    buf_puts(&line, "{\"verb\":");
    buf_json(&line, w->verb);
    buf_puts(&line, ",\"url\":");
    buf_json(&line, w->url);
    buf_printf(&line, ",\"pid\":%lld,\"started\":%lld}", (long long)w->pid,
               (long long)(w->started_unix_us / 1000000));
    enum sl_err err = file_make_directory(directory, diag);
    if (err == SL_OK)
        err = replacement_begin(buf_cstr(&b->path), &file, diag);
    if (err == SL_OK) {
        err = replacement_add(file, buf_str(&line), diag);
        if (err == SL_OK)
            err = replacement_commit(&file, diag);
        else
            replacement_drop(&file);
    }
    buf_free(&line);
    if (err == SL_OK) {
        *out = b;
        return SL_OK;
    }
    buf_free(&b->path);
    free(b);
    return err;
}

void beacon_douse(struct beacon **pb)
{
    struct beacon *b = *pb;
    *pb = NULL;
    if (!b)
        return;
    unlink(buf_cstr(&b->path));
    buf_free(&b->path);
    free(b);
}

static bool read_word(const char *path, struct arena *arena, struct beacon_word *out)
{
    struct buf text = {0};
    struct diag diag;
    bool read = file_read(path, FILE_BYTES_MAX, &text, &diag) == SL_OK;
    struct str kept = arena_copy(arena, buf_str(&text));
    const struct json *root = read ? json_parse(arena, kept, &diag) : NULL;
    buf_free(&text);
    out->verb = json_str(json_get(root, "verb"));
    out->url = json_str(json_get(root, "url"));
    return json_int(json_get(root, "pid"), &out->pid) == SL_OK &&
           json_int(json_get(root, "started"), &out->started_unix_us) == SL_OK && out->url.n;
}

static bool lives(int64_t pid)
{
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

size_t beacon_find(const char *directory, struct arena *arena,
                   struct beacon_word out[BEACONS_MAX])
{
    DIR *d = opendir(directory);
    size_t n = 0;
    for (struct dirent *e; d && n < BEACONS_MAX && (e = readdir(d));) {
        struct str name = str_of(e->d_name);
        if (!str_starts(name, prefix) || !str_ends(name, suffix))
            continue;
        const char *path = arena_printf(arena, "%s/%s", directory, e->d_name).p;
        if (!read_word(path, arena, &out[n]))
            continue;
        if (lives(out[n].pid))
            n++;
        else
            unlink(path);
    }
    if (d)
        closedir(d);
    return n;
}
