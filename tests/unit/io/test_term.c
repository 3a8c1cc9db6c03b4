#include "check.h"
#include "term.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static void the_locale_says_utf8(void **state)
{
    static const struct {
        const char *all, *ctype, *lang;
        bool utf8;
    } rows[] = {
        {"C.UTF-8", "", "", true},     {"", "de_DE.utf8", "C", true},
        {"", "", "en_US.UTF-8", true}, {"C", "", "C.UTF-8", false},
        {"", "", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setenv("LC_ALL", rows[i].all, 1);
        setenv("LC_CTYPE", rows[i].ctype, 1);
        setenv("LANG", rows[i].lang, 1);
        assert_int_equal(term_look().utf8, rows[i].utf8);
    }
}

static void a_terminal_is_told_from_a_file(void **state)
{
    int stderr_before = dup(STDERR_FILENO);
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    struct winsize size = {.ws_col = 123, .ws_row = 40};
    assert_int_equal(ioctl(terminal, TIOCSWINSZ, &size), 0);
    setenv("TERM", "xterm", 1);
    unsetenv("NO_COLOR");
    dup2(terminal, STDERR_FILENO);
    struct term t = term_look();
    setenv("NO_COLOR", "1", 1);
    struct term plain = term_look();
    setenv("TERM", "dumb", 1);
    struct term dumb = term_look();
    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
    setenv("TERM", "xterm", 1);
    struct term file = term_look();
    dup2(stderr_before, STDERR_FILENO);
    assert_true(t.interactive && t.color && t.width == 123);
    assert_true(plain.interactive && !plain.color);
    assert_true(!dumb.interactive && !dumb.color && dumb.width == 80);
    assert_true(!file.interactive && !file.color && file.width == 80);
    close(master);
    close(terminal);
    close(stderr_before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_locale_says_utf8),
        cmocka_unit_test(a_terminal_is_told_from_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
