/* The C library's public data, held as copies in this executable, below 2 GiB. Non-PIC code reaches `stdout` or
   `environ` by 32-bit addresses, as it would in an ordinary executable, where the static linker makes a copy relocation
   for the same purpose (System V ABI AMD64, section 4.4.1, R_X86_64_COPY). A 32-bit absolute reference in read-only
   data is what makes it do so; weak, since other versions of the C library lack some of the names. */
#if defined(__x86_64__)

#define COPY(name) ".weak " #name "\n.long " #name "\n"

__asm__(".pushsection .rodata.slablink_copies,\"a\",@progbits\n"
        /* stdio.h */
        COPY(stdin) COPY(stdout) COPY(stderr)
        COPY(_IO_2_1_stdin_) COPY(_IO_2_1_stdout_) COPY(_IO_2_1_stderr_)
        /* unistd.h, getopt.h */
        COPY(environ) COPY(__environ) COPY(_environ)
        COPY(optarg) COPY(optind) COPY(opterr) COPY(optopt)
        /* time.h */
        COPY(timezone) COPY(__timezone) COPY(daylight) COPY(__daylight) COPY(tzname) COPY(__tzname) COPY(getdate_err)
        /* errno.h, error.h */
        COPY(program_invocation_name) COPY(program_invocation_short_name) COPY(__progname) COPY(__progname_full)
        COPY(error_print_progname) COPY(error_message_count) COPY(error_one_per_line)
        COPY(sys_errlist) COPY(_sys_errlist) COPY(sys_nerr) COPY(_sys_nerr)
        /* signal.h */
        COPY(sys_siglist) COPY(_sys_siglist) COPY(sys_sigabbrev)
        /* netinet/in.h, netdb.h */
        COPY(in6addr_any) COPY(in6addr_loopback) COPY(h_errlist) COPY(h_nerr) COPY(rexecoptions)
        COPY(__rcmd_errstr) COPY(__check_rhosts_file)
        /* argp.h */
        COPY(argp_program_version) COPY(argp_program_version_hook) COPY(argp_program_bug_address)
        COPY(argp_err_exit_status)
        /* obstack.h, regex.h, regexp.h */
        COPY(obstack_alloc_failed_handler) COPY(obstack_exit_failure)
        COPY(re_syntax_options) COPY(re_max_failures) COPY(loc1) COPY(loc2) COPY(locs)
        /* sys/single_threaded.h, fpu_control.h, gettext's catalogue counter, what collectors scan from */
        COPY(__libc_single_threaded) COPY(__fpu_control) COPY(_nl_msg_cat_cntr) COPY(__libc_stack_end)
        /* link.h, sys/rseq.h: the loader's */
        COPY(_r_debug) COPY(__rseq_offset) COPY(__rseq_size) COPY(__rseq_flags)
        /* libintl.h, bindtextdomain's */
        COPY(_libc_intl_domainname) COPY(_nl_default_dirname) COPY(_nl_domain_bindings)
        /* malloc.h, math.h: older versions */
        COPY(__malloc_hook) COPY(__realloc_hook) COPY(__free_hook) COPY(__memalign_hook) COPY(__after_morecore_hook)
        COPY(signgam)
        ".popsection\n");

#endif
