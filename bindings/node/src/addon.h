/*
 * The functions of thinkwire.h for JavaScript, one to one; index.js makes the package of them.
 *
 * Exchanges run in a tw_loop per client, whose descriptor the event loop of Node watches. The
 * only global variable is a counter, so every worker thread can load the addon.
 */
#ifndef THINKWIRE_ADDON_H
#define THINKWIRE_ADDON_H

#define NAPI_VERSION 8
#include <node_api.h>
#include <stdbool.h>
#include <thinkwire.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* values.c */

/** Returns a string, or null if the text is NULL. */
napi_value text_value(napi_env env, const char *text, size_t len);
napi_value number_value(napi_env env, double number);

void set_text(napi_env env, napi_value object, const char *name, const char *text);
void set_number(napi_env env, napi_value object, const char *name, double number);

/** Sets null for a number that was not reported, which is negative. */
void set_reported(napi_env env, napi_value object, const char *name, double number);
void set_function(napi_env env, napi_value object, const char *name, napi_callback function,
                  const void *data);

double number_of(napi_env env, napi_value value);

/** Returns a text that the caller frees; NULL for a value that is no string, or contains a NUL. */
char *text_of(napi_env env, napi_value value);

/** Returns a value that owns an object, and destroys it when collected; null for NULL. */
napi_value box_value(napi_env env, void *object, void (*destroy)(void *));

/** Returns the object that a value contains, or NULL. All functions of the library accept NULL. */
void *object_of(napi_env env, napi_value value);

/** (object): destroys an object before it is collected. */
napi_value release(napi_env env, napi_callback_info info);

/** (): returns the number of objects that JavaScript owns, in all threads. */
napi_value live(napi_env env, napi_callback_info info);

/* client.c */

napi_value client_create(napi_env env, napi_callback_info info);
napi_value client_close(napi_env env, napi_callback_info info);
napi_value client_limit(napi_env env, napi_callback_info info);
napi_value exchange_start(napi_env env, napi_callback_info info);
napi_value exchange_pause(napi_env env, napi_callback_info info);
napi_value exchange_resume(napi_env env, napi_callback_info info);
napi_value exchange_cancel(napi_env env, napi_callback_info info);

/* request.c */

napi_value options_create(napi_env env, napi_callback_info info);
napi_value request_create(napi_env env, napi_callback_info info);
napi_value request_add_reply(napi_env env, napi_callback_info info);
void export_setters(napi_env env, napi_value exports);

/* reply.c */

napi_value usage_value(napi_env env, const tw_usage *usage);
napi_value reply_usage(napi_env env, napi_callback_info info);
napi_value reply_timing(napi_env env, napi_callback_info info);
napi_value reply_tool_calls(napi_env env, napi_callback_info info);
napi_value reply_models(napi_env env, napi_callback_info info);
void export_getters(napi_env env, napi_value exports);

#endif
