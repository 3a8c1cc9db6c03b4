/* naming.c: see naming.h. */
#include "naming.h"

#include "pass.h"

static void give_model(struct arena *arena, struct json *root, struct str name)
{
    struct json *model = arena_alloc(arena, sizeof *model);
    *model = (struct json){
        .type = JSON_STRING, .text = name, .key = STR("model"), .next = root->first};
    root->first = model;
    root->count++;
}

/* Azure's clients name a deployment where others name a model: in the path (the body then need
 * not name any) or in the body. The tree that is counted is given the model it is of, where the
 * setting tells. The bytes that are sent stay as they are. */
static void name_deployment(const struct relay *r, struct arena *arena, struct json *root)
{
    struct str name = pass_deployment(r->target);
    struct json *model = (struct json *)json_get(root, "model");
    if (r->tongue != TONGUE_AZURE || (model && model->type != JSON_STRING))
        return;
    struct str known = setting_deployed(r->setting, name.n || !model ? name : model->text);
    if (model && known.n)
        model->text = known;
    if (!model && name.n)
        give_model(arena, root, known.n ? known : name);
}

/* Where the provider chooses: images say no model unless they wish to, and a prompt that the
 * provider keeps has one of its own. */
static void name_unnamed(const struct relay *r, struct arena *arena, struct json *root)
{
    struct json *model = (struct json *)json_get(root, "model");
    struct str name = {0};
    if (r->route == ROUTE_IMAGES)
        name = STR("(images)");
    else if (r->route == ROUTE_RESPONSES && json_get(root, "prompt"))
        name = STR("(stored prompts)");
    if (!name.n || (model && model->type != JSON_NULL))
        return;
    if (model)
        *model = (struct json){
            .type = JSON_STRING, .text = name, .key = model->key, .next = model->next};
    else
        give_model(arena, root, name);
}

void naming_fill(const struct relay *r, struct arena *arena, struct json *root)
{
    if (root->type != JSON_OBJECT)
        return;
    name_deployment(r, arena, root);
    name_unnamed(r, arena, root);
}

struct str naming_of_speech(struct relay *r)
{
    struct arena scratch = {0};
    struct str rest = r->target, path = str_split(&rest, '?'), model = {0};
    if (str_ends(path, STR("/audio/speech")))
        model = json_str(json_get(json_parse(&scratch, buf_str(&r->body), NULL), "model"));
    model = arena_copy(&r->arena, model);
    arena_free(&scratch);
    return model;
}
