#include "check.h"
#include "exits.h"
#include "help.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const struct verb face = {.name = "walk",
                                 .summary = "goes for a walk",
                                 .usage = "sluice walk DOG",
                                 .about = "With a dog.",
                                 .exits = "0 all done\n"};

/* What it prints goes to the file; returns its code. */
static int print_to(int fd)
{
    fflush(stdout);
    int before = dup(STDOUT_FILENO);
    dup2(fd, STDOUT_FILENO);
    int code = help_print(&face, NULL, 0);
    dup2(before, STDOUT_FILENO);
    close(before);
    clearerr(stdout);
    return code;
}

static void it_is_printed(void **state)
{
    char path[] = "/tmp/sluice-help-XXXXXX", text[4096] = "";
    int fd = mkstemp(path);
    assert_int_equal(print_to(fd), EXIT_ALL_DONE);
    assert_true(pread(fd, text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "sluice walk DOG"));
    unlink(path);
    close(fd);
}

static void what_cannot_be_printed_is_told(void **state)
{
    int full = open("/dev/full", O_WRONLY);
    assert_int_equal(print_to(full), EXIT_IO);
    close(full);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_printed),
        cmocka_unit_test(what_cannot_be_printed_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
