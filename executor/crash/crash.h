/* Reports of crashes: what a process that dies of a fault tells its controller first. */
#ifndef SLABLINK_CRASH_H
#define SLABLINK_CRASH_H

#include <signal.h>
#include <stdbool.h>

/* Reports go to the controller, which has asked for them. */
extern bool crash_is_on;

/* The tag under which a report is sent. */
extern char crash_report;

/* On the main thread, before anything is announced. */
void crash_start(void);

/* Gives the calling thread a stack for the handler, without which it cannot report that its own stack is used up. */
void crash_thread_starts(void);

/* A signal whose default action ends the process with a report. */
bool crash_reports(int signal);

/* The handler, to be set where the program asks for the default action; and whether an action is it. */
struct sigaction crash_action(void);
bool crash_is_action(const struct sigaction *action);

/* The main thread's stack for the handler, and whether a stack is it. */
stack_t crash_main_stack(void);
bool crash_is_main_stack(const stack_t *stack);

#endif
