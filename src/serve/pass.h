/* pass.h: what of a message goes on through the gateway, and where to. Pure. Source of Azure's
 * paths: what the official SDK (openai 4, AzureOpenAI) asks for. */
#ifndef SLUICE_PASS_H
#define SLUICE_PASS_H

#include "arena.h"
#include "message.h"
#include "provider.h"

/* Headers of a request that go to the provider: not those of one hop, not ours, the client's
 * key only where `keys` pass, and an organisation or project only where it may say whose
 * account it is: with a key of ours it chose among ours, or had the key refused. Names and
 * values stay lent from `m`. Returns how many; out has room for BOUND_HEADERS.
 */
struct pass_rights {
    bool keys, accounts;
};
size_t pass_request(const struct message *m, struct pass_rights may, struct header *out);
/* Headers of an answer that go to the client; those that only we may say do not. */
size_t pass_answer(const struct message *m, struct header *out);

/* A client's target below a base URL with that path: a base path the client wrote too is not
 * doubled, nor is the version ("/v1/models" below ".../openai/v1" is "/models"). */
struct str pass_path(struct str target, const char *base_path);

/* The same on Azure, where the path names a deployment: a client's own "/v1/chat/completions",
 * or a path that names another, lead to `deployment`. `version` is asked for where the client
 * asks for none (NULL: none). In the arena. */
struct str pass_to_deployment(struct str target, const char *base_path, const char *deployment,
                              const char *version, struct arena *arena);

/* The deployment that an Azure path names, which stands for the model; else empty. */
struct str pass_deployment(struct str target);

/* Nothing in it that a server may undo: percent signs, dots, empty parts. */
bool pass_is_plain(struct str target);

/* Responses, and Azure's newer API as a whole, name the deployment in the body instead. */
bool pass_deployment_in_body(enum route route, const char *base_path);
/* Where they are, however the client wrote the path. In the arena. */
struct str pass_to_azure(struct str target, const char *base_path, const char *version,
                         struct arena *arena);

/* Requests that are no use of a model have pools by their kind, if anybody limits them. */
struct str pass_kind(struct str target);

/* Whether a request means Azure: only there are paths below /openai, and keys in `api-key`. */
bool pass_is_for_azure(const struct message *m);

/* Whether a request means Anthropic where paths of both providers are the same. */
bool pass_to_anthropic(const struct message *m);

#endif
