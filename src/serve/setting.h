/* setting.h: what the gateway is told to be, from a file or a command line; checked as a whole.
 *
 * A setting is never changed once it is made: a reload makes another one. */
#ifndef SLUICE_SETTING_H
#define SLUICE_SETTING_H

#include "account_options.h"
#include "alert_setting.h"
#include "over_limit.h"
#include "tenants.h"

enum {
    SETTING_ACCOUNTS = 32,
    SETTING_ROUTES = 64,
    SETTING_NAMES = 16, /* models or accounts of one route */
    SETTING_PLACES = 6,
};

struct account_setting {
    const char *name;
    struct account_options options;
    const char *organization;       /* whose account it is; NULL: not said */
    const char *api_version;        /* Azure: where a client's path names none */
    struct option_list deployments; /* Azure: model, deployment, model, deployment, ... */
    int line;
};

struct route_setting {
    const char *models[SETTING_NAMES]; /* "gpt-4o", "gpt-4*", "*" */
    size_t model_count;
    const char *accounts[SETTING_NAMES];
    size_t account_count;
    struct over_limit over;
};

struct setting {
    size_t holders;
    struct arena arena; /* all texts */
    const char *listen[SETTING_PLACES];
    size_t listen_count;
    const char *certificate, *certificate_key; /* NULL: in the clear */
    const char *admin_listen, *admin_token_env, *admin_token_file;
    const char *ui; /* the same without a file: see ui.h; NULL: none */
    struct alert_setting alerts;
    const char *log, *log_format; /* NULL: none; text */
    const char *state;
    int64_t max_wait_us, grace_us, queue_requests, queue_bytes;
    int64_t poll_pace_us; /* 0: polls are not shared */
    bool resend, pass_keys, several_organizations;
    struct account_setting accounts[SETTING_ACCOUNTS];
    size_t account_count;
    struct route_setting routes[SETTING_ROUTES];
    size_t route_count;
    struct tenant_setting *tenants;
    size_t tenant_count;
};

/* Rows of a command line, which a file's top level has too; out has room for SETTING_ROWS. */
enum { SETTING_ROWS = 12 };
size_t setting_rows(struct setting *s, struct option *out);

/* Held once by who makes it. */
struct setting *setting_new(void);
struct setting *setting_hold(struct setting *s);
/* The last holder's wipes keys and frees. NULL is nothing. */
void setting_drop(struct setting **s);

/* Reads the file and checks everything that can be checked without asking anybody: keys are
 * there, names that are used are known. Complaints say all that is wrong; what is only doubtful
 * goes to `warnings`, a line each. SL_SYNTAX if there is any complaint. */
enum sl_err setting_read(struct setting *s, const char *path, struct complaints *complaints,
                         struct buf *warnings) SL_CHECK;
/* The same of a text; `name` is what complaints call it. */
enum sl_err setting_parse(struct setting *s, struct str text, const char *name,
                          struct complaints *complaints, struct buf *warnings) SL_CHECK;
/* Whether its place of that index speaks TLS: a socket file stays on this machine. */
bool setting_has_tls(const struct setting *s, size_t place);
/* The model that a deployment of Azure's is said to be of; empty where nobody says. */
struct str setting_deployed(const struct setting *s, struct str deployment);
/* The admin listener's token; see keyring.h. */
enum sl_err setting_admin_token(const struct setting *s, struct keyring *token,
                                struct diag *diag) SL_CHECK;
/* What a file's check demands, for a setting that came from a command line. */
enum sl_err setting_check(const struct setting *s, struct diag *diag) SL_CHECK;

#endif
