/* Where a server listens: what an address is, several at once, and files of Unix sockets. */
#include "check.h"
#include "listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "world.h"

/* A directory of this test's own. */
struct place {
    char directory[32];
    char path[64];
    char address[80];
};

static void place_make(struct place *p)
{
    strcpy(p->directory, "/tmp/sluice-test-XXXXXX");
    assert_non_null(mkdtemp(p->directory));
    snprintf(p->path, sizeof p->path, "%s/x.sock", p->directory);
    snprintf(p->address, sizeof p->address, "unix:%s", p->path);
}

/* Nothing may be left in it. */
static void place_remove(struct place *p)
{
    assert_int_equal(rmdir(p->directory), 0);
}

static void addresses_are_checked(void **state)
{
    char long_path[256] = "unix:/";
    memset(long_path + 6, 'x', 200);
    static const char *rows[] = {
        "",      "localhost:80", "127.0.0.1",     "127.0.0.1:", "127.0.0.1:70000",
        "[::1",  "[::1]",        "127.0.0.1:x",   "::1:80",     "[127.0.0.1]:80",
        "unix:", "unix",         "127.0.0.1:80 ", "[]:1",       ":80",
    };
    struct sockaddr_storage a;
    struct diag d;
    socklen_t n;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        d.what[0] = 0;
        if (listener_parse(str_of(rows[i]), &a, &n, &d) != SL_SYNTAX)
            fail_msg("%s", rows[i]);
        assert_true(d.what[0]);
    }
    assert_int_equal(listener_parse(str_of(long_path), &a, &n, &d), SL_TOO_LARGE);
    assert_int_equal(listener_parse(STR("unix:/a\0b"), &a, &n, &d), SL_SYNTAX);
    assert_int_equal(listener_parse(STR("[fe80::1]:65535"), &a, &n, &d), SL_OK);
    assert_int_equal(a.ss_family, AF_INET6);
    assert_int_equal(n, sizeof(struct sockaddr_in6));
    assert_int_equal(listener_parse(STR("0.0.0.0:80"), &a, &n, &d), SL_OK);
    assert_int_equal(ntohs(((struct sockaddr_in *)&a)->sin_port), 80);
    assert_int_equal(listener_parse(STR("unix:x.sock"), &a, &n, &d), SL_OK);
    assert_string_equal(((struct sockaddr_un *)&a)->sun_path, "x.sock");
}

static void a_request(struct world *w, struct peer *p, const char *target)
{
    char text[64];
    snprintf(text, sizeof text, "GET %s " HOST "\r\n", target);
    peer_send(p, str_of(text));
    snprintf(text, sizeof text, "start %s; end 0; complete; ", target);
    peer_await(p, " 200 ", 1);
    assert_true(peer_has(p, " 200 "));
    world_await(w, text);
}

static void a_server_listens_in_several_places(void **state)
{
    struct place file;
    struct world w;
    struct peer p;
    struct server_config config = server_defaults();
    place_make(&file);
    config.places[0].address = file.address;
    config.places[1].address = "127.0.0.2:0";
    config.places[2].address = "127.0.0.1:0";
    config.place_count = 3;
    world_open(&w, config);
    assert_true(server_port(w.server) > 0);
    assert_int_equal(server_port_of(w.server, 0), server_port(w.server));
    assert_int_equal(server_port_of(w.server, 1), 0);
    assert_true(server_port_of(w.server, 2) > 0);
    assert_true(server_port_of(w.server, 3) > 0);
    assert_int_not_equal(server_port_of(w.server, 3), server_port(w.server));
    peer_connect(&p, &w.loop, server_port(w.server));
    a_request(&w, &p, "/first");
    peer_close(&p);
    peer_connect_file(&p, &w.loop, file.path);
    a_request(&w, &p, "/file");
    peer_close(&p);
    peer_connect(&p, &w.loop, server_port_of(w.server, 3));
    a_request(&w, &p, "/last");
    peer_close(&p);
    world_close(&w);
    place_remove(&file);
}

static bool has_ipv6(void)
{
    struct listener l;
    struct diag d;
    struct server_place place = {.address = "[::1]:0"};
    if (listener_open(&l, &place, &d) != SL_OK)
        return false;
    listener_close(&l);
    return true;
}

/* "[::]:80" leaves the IPv4 port of the same number alone. */
static void an_ipv6_address_is_ipv6_alone(void **state)
{
    struct listener l;
    struct diag d;
    struct server_place place = {.address = "[::1]:0"};
    int alone = 0;
    socklen_t n = sizeof alone;
    if (!has_ipv6()) {
        print_message("# skipped: no IPv6 here\n");
        skip();
    }
    assert_int_equal(listener_open(&l, &place, &d), SL_OK);
    assert_true(l.port > 0);
    assert_int_equal(getsockopt(l.fd, IPPROTO_IPV6, IPV6_V6ONLY, &alone, &n), 0);
    assert_int_equal(alone, 1);
    listener_close(&l);
}

static void opening_is_all_or_nothing(void **state)
{
    uv_loop_t loop;
    struct place file;
    struct server *first = NULL, *second = NULL;
    struct server_config config = server_defaults();
    struct diag d = {0};
    char taken[32];
    place_make(&file);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(server_new(&loop, &config, (struct server_handler){0}, &first, &d), SL_OK);
    snprintf(taken, sizeof taken, "127.0.0.1:%d", server_port(first));
    config.listen = file.address;
    config.places[0].address = taken;
    config.place_count = 1;
    assert_int_equal(server_new(&loop, &config, (struct server_handler){0}, &second, &d),
                     SL_IO);
    assert_non_null(strstr(d.what, "in use"));
    assert_non_null(strstr(d.what, taken));
    assert_int_equal(access(file.path, F_OK), -1); /* what was opened is closed again */
    config.listen = NULL;
    config.place_count = 0;
    assert_int_equal(server_new(&loop, &config, (struct server_handler){0}, &second, &d),
                     SL_MISSING);
    assert_null(second);
    server_free(&first);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    place_remove(&file);
}

static unsigned mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 0777;
}

static void a_socket_file_has_the_mode_asked_for(void **state)
{
    static const struct {
        unsigned asked, found;
    } rows[] = {{0, 0660}, {0600, 0600}, {0666, 0666}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct place file;
        struct listener l;
        struct diag d;
        place_make(&file);
        struct server_place place = {.address = file.address, .mode = rows[i].asked};
        mode_t mask = umask(i % 2 ? 0 : 077);
        assert_int_equal(listener_open(&l, &place, &d), SL_OK);
        umask(mask);
        assert_int_equal(mode_of(file.path), rows[i].found);
        listener_close(&l);
        assert_int_equal(l.fd, -1);
        listener_close(&l);
        place_remove(&file);
    }
}

/* What a process leaves that is killed while it listens. */
static void leave_stale(const char *path)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    strncpy(a.sun_path, path, sizeof a.sun_path - 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(fd, 1), 0);
    close(fd);
    assert_int_equal(access(path, F_OK), 0);
}

static void the_file_of_a_dead_process_is_replaced(void **state)
{
    struct place file;
    struct world w;
    struct peer p;
    struct server_config config = server_defaults();
    place_make(&file);
    leave_stale(file.path);
    config.listen = file.address;
    world_open(&w, config);
    peer_connect_file(&p, &w.loop, file.path);
    a_request(&w, &p, "/a");
    peer_close(&p);
    server_drain(w.server);
    assert_int_equal(access(file.path, F_OK), -1); /* the listening has ended */
    world_close(&w);
    place_remove(&file);
}

static void a_file_in_use_is_left_alone(void **state)
{
    struct place file;
    struct listener alive, l;
    struct diag d = {0};
    place_make(&file);
    struct server_place place = {.address = file.address};
    assert_int_equal(listener_open(&alive, &place, &d), SL_OK);
    assert_int_equal(listener_open(&l, &place, &d), SL_IO);
    assert_non_null(strstr(d.what, "in use"));
    assert_int_equal(access(file.path, F_OK), 0);
    listener_close(&alive);
    place_remove(&file);
}

/* Connecting to a file that is no socket is refused as well. */
static void a_file_that_is_no_socket_is_left_alone(void **state)
{
    struct place file;
    struct listener l;
    struct diag d = {0};
    place_make(&file);
    struct server_place place = {.address = file.address};
    int fd = open(file.path, O_CREAT | O_WRONLY, 0600);
    assert_int_equal(write(fd, "data", 4), 4);
    close(fd);
    assert_int_equal(listener_open(&l, &place, &d), SL_IO);
    assert_int_equal(access(file.path, F_OK), 0);
    unlink(file.path);
    leave_stale(file.path);
    char link[80];
    snprintf(link, sizeof link, "%s.link", file.path);
    assert_int_equal(symlink(file.path, link), 0);
    char address[96];
    snprintf(address, sizeof address, "unix:%s", link);
    place.address = address;
    assert_int_equal(listener_open(&l, &place, &d), SL_IO);
    assert_int_equal(access(link, F_OK), 0);
    unlink(link);
    unlink(file.path);
    place_remove(&file);
}

/* Its path may have been taken over by a successor by then. */
static void only_its_own_file_is_removed(void **state)
{
    struct place file;
    struct listener first, successor;
    struct diag d = {0};
    place_make(&file);
    struct server_place place = {.address = file.address};
    assert_int_equal(listener_open(&first, &place, &d), SL_OK);
    assert_int_equal(unlink(file.path), 0);
    assert_int_equal(listener_open(&successor, &place, &d), SL_OK);
    listener_close(&first);
    assert_int_equal(access(file.path, F_OK), 0);
    listener_close(&successor);
    place_remove(&file);
}

static void a_directory_that_is_not_there_is_told(void **state)
{
    struct listener l;
    struct diag d = {0};
    struct server_place place = {.address = "unix:/nowhere/x.sock"};
    assert_int_equal(listener_open(&l, &place, &d), SL_IO);
    assert_non_null(strstr(d.what, "unix:/nowhere/x.sock: No such file"));
    assert_int_equal(l.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(a_server_listens_in_several_places),
        cmocka_unit_test(an_ipv6_address_is_ipv6_alone),
        cmocka_unit_test(opening_is_all_or_nothing),
        cmocka_unit_test(a_socket_file_has_the_mode_asked_for),
        cmocka_unit_test(the_file_of_a_dead_process_is_replaced),
        cmocka_unit_test(a_file_in_use_is_left_alone),
        cmocka_unit_test(a_file_that_is_no_socket_is_left_alone),
        cmocka_unit_test(only_its_own_file_is_removed),
        cmocka_unit_test(a_directory_that_is_not_there_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
