/* Values of JavaScript, and objects of the library that JavaScript owns. */
#include "addon.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------------------------------------- */
/* Values                                                                                         */
/* ---------------------------------------------------------------------------------------------- */

napi_value text_value(napi_env env, const char *text, size_t len)
{
    napi_value value = NULL;
    if (text != NULL)
        napi_create_string_utf8(env, text, len, &value);
    else
        napi_get_null(env, &value);
    return value;
}

napi_value number_value(napi_env env, double number)
{
    napi_value value = NULL;
    napi_create_double(env, number, &value);
    return value;
}

void set_text(napi_env env, napi_value object, const char *name, const char *text)
{
    napi_set_named_property(env, object, name, text_value(env, text, NAPI_AUTO_LENGTH));
}

void set_number(napi_env env, napi_value object, const char *name, double number)
{
    napi_set_named_property(env, object, name, number_value(env, number));
}

void set_reported(napi_env env, napi_value object, const char *name, double number)
{
    if (number < 0)
        set_text(env, object, name, NULL);
    else
        set_number(env, object, name, number);
}

void set_function(napi_env env, napi_value object, const char *name, napi_callback function,
                  const void *data)
{
    napi_value value = NULL;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, function, (void *)data, &value);
    napi_set_named_property(env, object, name, value);
}

double number_of(napi_env env, napi_value value)
{
    double number = 0;
    napi_get_value_double(env, value, &number);
    return number;
}

char *text_of(napi_env env, napi_value value)
{
    size_t len = 0;
    if (napi_get_value_string_utf8(env, value, NULL, 0, &len) != napi_ok) return NULL;
    char *text = malloc(len + 1);
    if (text == NULL) abort();
    napi_get_value_string_utf8(env, value, text, len + 1, &len);
    if (strlen(text) == len) return text;
    free(text);
    napi_throw_type_error(env, NULL, "a text contains the character U+0000");
    return NULL;
}

/* ---------------------------------------------------------------------------------------------- */
/* Objects of the library that JavaScript owns                                                    */
/* ---------------------------------------------------------------------------------------------- */

typedef struct box {
    void *object;
    void (*destroy)(void *object);
} box;

/** Number of objects that JavaScript owns, in all threads. */
static atomic_int live_objects;

static void empty(box *box)
{
    if (box->object != NULL) box->destroy(box->object);
    box->object = NULL;
}

static void on_collected(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    live_objects--;
    empty(data);
    free(data);
}

napi_value box_value(napi_env env, void *object, void (*destroy)(void *))
{
    napi_value value = NULL;
    box *new_box = malloc(sizeof *new_box);
    if (object == NULL || new_box == NULL) {
        free(new_box);
        return text_value(env, NULL, 0);
    }
    *new_box = (box){ object, destroy };
    napi_create_external(env, new_box, on_collected, NULL, &value);
    live_objects++;
    return value;
}

void *object_of(napi_env env, napi_value value)
{
    void *found = NULL;
    napi_valuetype type = napi_undefined;
    napi_typeof(env, value, &type);
    if (type == napi_external) napi_get_value_external(env, value, &found);
    return found != NULL ? ((box *)found)->object : NULL;
}

napi_value release(napi_env env, napi_callback_info info)
{
    napi_value arguments[1];
    size_t count = 1;
    void *found = NULL;
    napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    if (napi_get_value_external(env, arguments[0], &found) == napi_ok) empty(found);
    return NULL;
}

napi_value live(napi_env env, napi_callback_info info)
{
    (void)info;
    return number_value(env, live_objects);
}
