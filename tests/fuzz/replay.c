/* replay.c: runs a fuzz target over its committed corpus, without libFuzzer. The argument is
 * any file in the corpus folder; every file of that folder is fed once. */
#include <dirent.h>
#include <libgen.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int feed(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return 0;
    uint8_t *data = malloc(1 << 20);
    size_t n = data ? fread(data, 1, 1 << 20, f) : 0;
    fclose(f);
    /* an exact allocation, so that a sanitizer sees a read past the end */
    uint8_t *exact = realloc(data, n ? n : 1);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    return 1;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? dirname(argv[1]) : ".";
    DIR *d = opendir(folder);
    if (!d)
        return 1;
    int fed = 0;
    for (struct dirent *e; (e = readdir(d));) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (e->d_type != DT_DIR)
            fed += feed(path);
    }
    closedir(d);
    printf("%d inputs replayed\n", fed);
    return fed ? 0 : 1;
}
