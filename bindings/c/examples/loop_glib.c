/* Several exchanges and a timer on one thread, in a main loop of GLib (as in GTK). */
#include <glib-unix.h>

#include "questions.h"

static GMainLoop *main_loop;

static gboolean on_readable(gint fd, GIOCondition condition, gpointer loop)
{
    (void)fd;
    (void)condition;
    tw_loop_poll(loop, 0);
    if (tw_loop_active(loop) > 0) return G_SOURCE_CONTINUE;
    g_main_loop_quit(main_loop);
    return G_SOURCE_REMOVE;
}

static gboolean on_timeout(gpointer loop)
{
    on_tick(loop);
    return G_SOURCE_CONTINUE;
}

int main(void)
{
    tw_loop *loop = ask_questions();
    main_loop = g_main_loop_new(NULL, FALSE);
    guint timer = g_timeout_add(100, on_timeout, loop);
    g_unix_fd_add(tw_loop_fd(loop), G_IO_IN, on_readable, loop);
    g_main_loop_run(main_loop);
    g_source_remove(timer);
    g_main_loop_unref(main_loop);
    tw_loop_destroy(loop);
    return failed_questions > 0;
}
