/* What a service manager hears, by a socket of our own. */
#include "check.h"
#include "notify.h"
#include "str.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

struct manager {
    int fd;
    char directory[32];
    char path[64]; /* "" for an abstract name */
};

static void manager_open(struct manager *m, bool abstract)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    socklen_t n = sizeof a;
    strcpy(m->directory, "/tmp/sluice-test-XXXXXX");
    assert_non_null(mkdtemp(m->directory));
    snprintf(m->path, sizeof m->path, "%s/notify", m->directory);
    snprintf(a.sun_path, sizeof a.sun_path, "%s%s", abstract ? "@" : "", m->path);
    setenv("NOTIFY_SOCKET", a.sun_path, 1);
    if (abstract) {
        n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a.sun_path));
        a.sun_path[0] = 0;
        m->path[0] = 0;
    }
    m->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(m->fd, (struct sockaddr *)&a, n), 0);
}

static void manager_close(struct manager *m)
{
    close(m->fd);
    if (m->path[0])
        unlink(m->path);
    assert_int_equal(rmdir(m->directory), 0);
    unsetenv("NOTIFY_SOCKET");
}

static const char *heard(struct manager *m)
{
    static char text[1024];
    ssize_t n = recv(m->fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    return text;
}

static void tell(enum notify what, const char *status)
{
    struct diag d = {0};
    if (notify_send(what, status, &d) != SL_OK)
        fail_msg("%s: %s", d.where, d.what);
}

static void the_manager_hears_every_state(void **state)
{
    for (int abstract = 0; abstract <= 1; abstract++) {
        struct manager m;
        manager_open(&m, abstract);
        tell(NOTIFY_READY, NULL);
        assert_string_equal(heard(&m), "READY=1\n");
        tell(NOTIFY_READY, "3 accounts, 2 listeners");
        assert_string_equal(heard(&m), "READY=1\nSTATUS=3 accounts, 2 listeners\n");
        tell(NOTIFY_STOPPING, "12 requests to go");
        assert_string_equal(heard(&m), "STOPPING=1\nSTATUS=12 requests to go\n");
        tell(NOTIFY_STATUS, "idle");
        assert_string_equal(heard(&m), "STATUS=idle\n");
        tell(NOTIFY_WATCHDOG, NULL);
        assert_string_equal(heard(&m), "WATCHDOG=1\n");
        tell(NOTIFY_STATUS, NULL);
        assert_string_equal(heard(&m), "");
        manager_close(&m);
    }
}

static void reloading_says_when_it_began(void **state)
{
    struct manager m;
    struct timespec t;
    long long before, said, after;
    manager_open(&m, false);
    clock_gettime(CLOCK_MONOTONIC, &t);
    before = (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    tell(NOTIFY_RELOADING, NULL);
    clock_gettime(CLOCK_MONOTONIC, &t);
    after = (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
    assert_int_equal(sscanf(heard(&m), "RELOADING=1\nMONOTONIC_USEC=%lld\n", &said), 1);
    assert_true(before <= said && said <= after);
    manager_close(&m);
}

/* A status cannot pass for another line. */
static void a_status_stays_on_its_line(void **state)
{
    struct manager m;
    manager_open(&m, false);
    tell(NOTIFY_STATUS, "bad\nSTOPPING=1\r\nMAINPID=1");
    assert_string_equal(heard(&m), "STATUS=bad STOPPING=1  MAINPID=1\n");
    manager_close(&m);
}

static void without_a_manager_nothing_is_said(void **state)
{
    unsetenv("NOTIFY_SOCKET");
    tell(NOTIFY_READY, "to nobody");
    setenv("NOTIFY_SOCKET", "", 1);
    tell(NOTIFY_READY, "to nobody");
    unsetenv("NOTIFY_SOCKET");
}

static void a_manager_that_cannot_be_told_is_an_error(void **state)
{
    static const struct {
        const char *name, *what;
        enum sl_err err;
    } rows[] = {
        {"relative", "neither a path", SL_SYNTAX},
        {"vsock:2:9", "neither a path", SL_SYNTAX},
        {"/", "neither a path", SL_SYNTAX},
        {"@", "neither a path", SL_SYNTAX},
        {"/nowhere/notify", "No such file", SL_IO},
        {"@sluice-test-of-nobody", "refused", SL_IO},
    };
    char long_name[200] = "/";
    struct diag d = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setenv("NOTIFY_SOCKET", rows[i].name, 1);
        assert_int_equal(notify_send(NOTIFY_READY, NULL, &d), rows[i].err);
        assert_string_equal(d.where, "NOTIFY_SOCKET");
        if (!strstr(d.what, rows[i].what))
            fail_msg("%s: %s", rows[i].name, d.what);
    }
    memset(long_name + 1, 'x', sizeof long_name - 2);
    setenv("NOTIFY_SOCKET", long_name, 1);
    assert_int_equal(notify_send(NOTIFY_READY, NULL, &d), SL_SYNTAX);
    unsetenv("NOTIFY_SOCKET");
}

/* A manager that does not read holds nobody up. */
static void nobody_waits_for_the_manager(void **state)
{
    struct manager m;
    struct diag d = {0};
    manager_open(&m, false);
    while (notify_send(NOTIFY_WATCHDOG, NULL, &d) == SL_OK)
        ;
    assert_non_null(strstr(d.what, "not told"));
    assert_string_equal(heard(&m), "WATCHDOG=1\n");
    tell(NOTIFY_WATCHDOG, NULL);
    manager_close(&m);
}

static void the_watchdog_says_how_often(void **state)
{
    char self[32];
    snprintf(self, sizeof self, "%d", (int)getpid());
    const struct {
        const char *us, *pid;
        int64_t wanted;
    } rows[] = {
        {NULL, NULL, 0},
        {"30000000", NULL, 15000000},
        {"30000000", self, 15000000},
        {"9", self, 4},
        {"30000000", "1", 0},
        {"30000000", "x", 0},
        {"0", NULL, 0},
        {"-5", NULL, 0},
        {"soon", NULL, 0},
        {"", NULL, 0},
        {NULL, self, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        unsetenv("WATCHDOG_USEC");
        unsetenv("WATCHDOG_PID");
        if (rows[i].us)
            setenv("WATCHDOG_USEC", rows[i].us, 1);
        if (rows[i].pid)
            setenv("WATCHDOG_PID", rows[i].pid, 1);
        assert_int_equal(notify_watchdog_us(), rows[i].wanted);
    }
    unsetenv("WATCHDOG_USEC");
    unsetenv("WATCHDOG_PID");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manager_hears_every_state),
        cmocka_unit_test(reloading_says_when_it_began),
        cmocka_unit_test(a_status_stays_on_its_line),
        cmocka_unit_test(without_a_manager_nothing_is_said),
        cmocka_unit_test(a_manager_that_cannot_be_told_is_an_error),
        cmocka_unit_test(nobody_waits_for_the_manager),
        cmocka_unit_test(the_watchdog_says_how_often),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
