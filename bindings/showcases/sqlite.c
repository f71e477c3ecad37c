/* An extension for SQLite: asks a model in SQL, and returns its answer and its reasoning. */
#include <sqlite3ext.h>
#include <stdlib.h>
#include <thinkwire.h>

SQLITE_EXTENSION_INIT1

/* How long an interruption can remain unnoticed. */
#define INTERVAL_MS 50
#define DEFAULT_MODEL "alibaba/qwen3-32b"

/* Never NULL. `model` may be NULL. */
static tw_reply *ask(sqlite3 *db, tw_client *client, sqlite3_value *prompt, sqlite3_value *model)
{
    const tw_event *event;
    const char *name = model ? (const char *)sqlite3_value_text(model) : NULL;
    if (!name) name = getenv("THINKWIRE_MODEL");
    tw_request *request = tw_request_create(name ? name : DEFAULT_MODEL);
    tw_request_add_message(request, "user", (const char *)sqlite3_value_text(prompt));
    tw_chat *chat = tw_chat_open(client, request);
    tw_request_destroy(request);
    while (tw_chat_next(chat, &event, INTERVAL_MS) != TW_NEXT_END) {
        /* An interrupted connection starts no statement (3.41 has sqlite3_is_interrupted). */
        if (sqlite3_exec(db, "SELECT 1", NULL, NULL, NULL) == SQLITE_INTERRUPT)
            tw_chat_cancel(chat);
    }
    return tw_chat_close(chat);
}

static int result_code(const tw_reply *reply)
{
    tw_status status = tw_reply_status(reply);
    if (status == TW_OK) return SQLITE_OK;
    return status == TW_CANCELLED ? SQLITE_INTERRUPT : SQLITE_ERROR;
}

typedef const char *(*text_fn)(const tw_reply *reply, size_t *len);
static void return_text(sqlite3_context *context, const tw_reply *reply, text_fn fn)
{
    size_t len;
    const char *text = fn(reply, &len);
    sqlite3_result_text64(context, text, len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* thinkwire_chat(prompt [, model]): the answer; NULL if the prompt is NULL. */
static void chat(sqlite3_context *context, int count, sqlite3_value **values)
{
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return;
    tw_reply *reply = ask(sqlite3_context_db_handle(context), sqlite3_user_data(context), values[0],
                          count > 1 ? values[1] : NULL);
    int code = result_code(reply);
    return_text(context, reply, tw_reply_content);
    if (code != SQLITE_OK) sqlite3_result_error(context, tw_reply_message(reply), -1);
    if (code != SQLITE_OK) sqlite3_result_error_code(context, code);
    tw_reply_destroy(reply);
}

/* thinkwire(prompt [, model]): a table with one row; without rows if the prompt is NULL. */
enum { REASONING, ANSWER, PROMPT, MODEL };

typedef struct table {
    sqlite3_vtab base;
    sqlite3 *db;
    tw_client *client;
} table;

typedef struct cursor {
    sqlite3_vtab_cursor base;
    tw_reply *reply; /* NULL after the last row. */
} cursor;

static int table_connect(sqlite3 *db, void *client, int count, const char *const *arguments,
                         sqlite3_vtab **result, char **error)
{
    (void)count, (void)arguments, (void)error;
    int code = sqlite3_declare_vtab(db, "CREATE TABLE t(reasoning TEXT, answer TEXT,"
                                        " prompt HIDDEN, model HIDDEN)");
    if (code != SQLITE_OK) return code;
    table *self = sqlite3_malloc(sizeof *self);
    if (!self) return SQLITE_NOMEM;
    *self = (table){ .db = db, .client = client };
    *result = &self->base;
    /* Views and triggers of a database of unknown origin must not send requests. */
    return sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
}

static int table_disconnect(sqlite3_vtab *self)
{
    sqlite3_free(self);
    return SQLITE_OK;
}

/* Passes the prompt and then the model, if it was given, to cursor_filter. */
static int table_best_index(sqlite3_vtab *self, sqlite3_index_info *info)
{
    int given[MODEL + 1] = { 0 };
    (void)self;
    for (int i = 0; i < info->nConstraint; i++) {
        int column = info->aConstraint[i].iColumn;
        if (column < PROMPT || info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
        if (!info->aConstraint[i].usable) return SQLITE_CONSTRAINT;
        if (given[column]) continue;
        given[column] = 1;
        info->aConstraintUsage[i].argvIndex = column - PROMPT + 1;
        info->aConstraintUsage[i].omit = 1;
    }
    info->estimatedRows = 1;
    return given[PROMPT] ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int cursor_open(sqlite3_vtab *self, sqlite3_vtab_cursor **result)
{
    (void)self;
    *result = sqlite3_malloc(sizeof(cursor));
    if (*result) *(cursor *)*result = (cursor){ .reply = NULL };
    return *result ? SQLITE_OK : SQLITE_NOMEM;
}

static int cursor_next(sqlite3_vtab_cursor *base)
{
    tw_reply_destroy(((cursor *)base)->reply);
    ((cursor *)base)->reply = NULL;
    return SQLITE_OK;
}

static int cursor_close(sqlite3_vtab_cursor *base)
{
    cursor_next(base);
    sqlite3_free(base);
    return SQLITE_OK;
}

static int cursor_filter(sqlite3_vtab_cursor *base, int index, const char *name, int count,
                         sqlite3_value **values)
{
    table *owner = (table *)base->pVtab;
    (void)index, (void)name;
    cursor_next(base);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) return SQLITE_OK;
    tw_reply *reply = ask(owner->db, owner->client, values[0], count > 1 ? values[1] : NULL);
    int code = result_code(reply);
    ((cursor *)base)->reply = reply;
    if (code == SQLITE_OK) return code;
    sqlite3_free(base->pVtab->zErrMsg);
    base->pVtab->zErrMsg = sqlite3_mprintf("%s", tw_reply_message(reply));
    return code;
}

static int cursor_eof(sqlite3_vtab_cursor *self)
{
    return !((cursor *)self)->reply;
}

static int cursor_column(sqlite3_vtab_cursor *self, sqlite3_context *context, int column)
{
    static const text_fn texts[] = { tw_reply_reasoning, tw_reply_content };
    if (column < PROMPT) return_text(context, ((cursor *)self)->reply, texts[column]);
    return SQLITE_OK;
}

static int cursor_rowid(sqlite3_vtab_cursor *self, sqlite3_int64 *row)
{
    (void)self;
    *row = 1;
    return SQLITE_OK;
}

static void destroy_client(void *client)
{
    tw_client_destroy(client);
}

/* Registers the function with one and with two arguments, and the table. Each owns a client. */
int sqlite3_extension_init(sqlite3 *db, char **error, const sqlite3_api_routines *api)
{
    static const sqlite3_module module = { .xConnect = table_connect,
                                           .xDisconnect = table_disconnect,
                                           .xBestIndex = table_best_index,
                                           .xOpen = cursor_open,
                                           .xClose = cursor_close,
                                           .xFilter = cursor_filter,
                                           .xNext = cursor_next,
                                           .xEof = cursor_eof,
                                           .xColumn = cursor_column,
                                           .xRowid = cursor_rowid };
    tw_client *client;
    int code = SQLITE_OK;
    SQLITE_EXTENSION_INIT2(api);
    for (int count = 1; count <= 3 && code == SQLITE_OK; count++) {
        if (tw_client_create(NULL, &client) != TW_OK)
            return *error = sqlite3_mprintf("%s", tw_last_error()), SQLITE_ERROR;
        code = count < 3
                   ? sqlite3_create_function_v2(db, "thinkwire_chat", count,
                                                SQLITE_UTF8 | SQLITE_DIRECTONLY, client, chat, NULL,
                                                NULL, destroy_client)
                   : sqlite3_create_module_v2(db, "thinkwire", &module, client, destroy_client);
    }
    return code;
}
