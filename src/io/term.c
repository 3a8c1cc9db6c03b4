/* term.c: see term.h. */
#include "term.h"
#include "str.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static struct str env(const char *name)
{
    return str_of(getenv(name));
}

static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct str value = env(names[i]);
        if (value.n)
            return str_find_nocase(value, STR("UTF-8"), 0) >= 0 ||
                   str_find_nocase(value, STR("UTF8"), 0) >= 0;
    }
    return false;
}

struct term term_look_at(int fd)
{
    struct term t = {.utf8 = locale_is_utf8(), .width = 80, .height = 24};
    struct str kind = env("TERM");
    t.interactive = isatty(fd) && kind.n && !str_eq(kind, STR("dumb"));
    t.color = t.interactive && env("NO_COLOR").n == 0;
    struct winsize size;
    if (t.interactive && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
        t.width = size.ws_col;
        t.height = size.ws_row > 0 ? size.ws_row : 24;
    }
    return t;
}

struct term term_look(void)
{
    return term_look_at(STDERR_FILENO);
}
