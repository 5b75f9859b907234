# BLAKE3 as its authors wrote it in C, for C programs to compile. Debian 12 has that source in the package of their
# Rust crate (librust-blake3-dev), and nowhere else.
enable_language(ASM)

file(GLOB blake3_folders /usr/share/cargo/registry/blake3-*/c)
if(NOT blake3_folders)
	message(FATAL_ERROR "BLAKE3's C source is not in /usr/share/cargo/registry: install librust-blake3-dev (./dev does)")
endif()
list(GET blake3_folders -1 blake3_folder)

add_library(blake3 STATIC ${blake3_folder}/blake3.c ${blake3_folder}/blake3_dispatch.c
	${blake3_folder}/blake3_portable.c)
target_include_directories(blake3 SYSTEM PUBLIC ${blake3_folder})
target_compile_options(blake3 PRIVATE -w)

# What the processor has of these is found out when the program runs.
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
	foreach(set sse2 sse41 avx2 avx512)
		target_sources(blake3 PRIVATE ${blake3_folder}/blake3_${set}_x86-64_unix.S)
	endforeach()
elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
	target_sources(blake3 PRIVATE ${blake3_folder}/blake3_neon.c)
else()
	target_compile_definitions(blake3 PRIVATE BLAKE3_NO_SSE2 BLAKE3_NO_SSE41 BLAKE3_NO_AVX2 BLAKE3_NO_AVX512)
endif()
