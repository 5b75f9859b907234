/* Words the language lacks: who cleans up, what must be looked at. */
#pragma once

/* Runs `function(&variable)` when the variable leaves its scope. */
#define CLEANUP(function) __attribute__((cleanup(function)))

/* Hands a resource over: the variable is empty afterwards, so nothing is left to clean. */
#define TAKE(variable)                                                                             \
	__extension__({                                                                            \
		__typeof__(variable) taken_ = (variable);                                          \
		(variable) = NULL;                                                                 \
		taken_;                                                                            \
	})

#define MUST_CHECK              __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, rest) __attribute__((format(printf, text, rest)))
#define UNUSED                  __attribute__((unused))
/* For large scratch space on the stack of hot functions, which the release build would fill with 0. */
#define UNINITIALIZED __attribute__((uninitialized))
/* For the rare case of a hot function, which would pay for its registers and its frame. */
#define NOINLINE      __attribute__((noinline))
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#define NORETURN      __attribute__((noreturn))

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/*
 * The cleanup half of an owner type: `thing_closep` for CLEANUP beside `thing_close`.
 *
 *	DEFINE_CLEANUP(struct snapshot *, snapshot_close)
 */
#define DEFINE_CLEANUP(type, function)                                                             \
	static inline void function##p(                                                            \
		type *variable) /* NOLINT(bugprone-macro-parentheses): a type */                   \
	{                                                                                          \
		function(*variable);                                                               \
	}                                                                                          \
	struct attributes_semicolon_
