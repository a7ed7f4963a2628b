# Earshot. `make help` lists the targets.

VERSION := 0.1.0
SOVERSION := $(shell sed -n 's/^.define EARSHOT_SOVERSION //p' client/lib/earshot.h)

BUILD ?= build
SANITIZE ?=
PREFIX ?= /usr/local
DESTDIR ?=
DURATION ?= $(or $(SECONDS),60)
ROUNDS ?= 200000
ifeq ($(origin CC),default)
CC := gcc
endif
OBJCOPY ?= objcopy

# V=1 shows the commands.
Q := $(if $(V),,@)
say = $(if $(V),@:,@printf '  %-5s %s\n' $(1) '$(or $(2),$@)')

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

# --- packages ------------------------------------------------------------------------------------

PKGS_CORE := uuid libutf8proc libxxhash
PKGS_HUB := sqlite3 icu-i18n icu-uc inih
PKGS_CLIENT := jansson readline inih
PKGS_BENCH := jansson
PKGS_TEST := criterion

pkg_cflags = $(if $(strip $(1)),$(shell pkg-config --cflags $(1) 2>/dev/null))
pkg_libs = $(if $(strip $(1)),$(shell pkg-config --libs $(1) 2>/dev/null))
CFLAGS_HUB := $(call pkg_cflags,$(PKGS_HUB))
CFLAGS_CLIENT := $(call pkg_cflags,$(PKGS_CLIENT))
LIBS_CORE := $(call pkg_libs,$(PKGS_CORE))
LIBS_HUB := $(call pkg_libs,$(PKGS_HUB))
LIBS_CLIENT := $(call pkg_libs,$(PKGS_CLIENT))
LIBS_BENCH := $(call pkg_libs,$(PKGS_BENCH)) -lm
LIBS_TEST = $(call pkg_libs,$(PKGS_TEST))

# --- flags ---------------------------------------------------------------------------------------

# CFLAGS, CPPFLAGS and LDFLAGS belong to whoever calls make; what the project needs is in OUR_*.
CFLAGS ?= -O2 -g

# Flags of $(1) that this compiler takes.
cc_options = $(foreach flag,$(1),$(shell $(CC) -Werror $(flag) -c -x c -o /dev/null /dev/null \
	>/dev/null 2>&1 && echo $(flag)))

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wvla -Werror
ifeq ($(SANITIZE),)
HARDENING := -fstack-protector-strong $(call cc_options,-fstack-clash-protection -fcf-protection)
HARDENING += $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
else
HARDENING := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
endif

# What every message passes through is optimised once more when a program is linked, over all files: a
# fifth of a sender's instructions are calls between them. The objects can be linked without that, too,
# as the tests are, so it wants gcc. It warned of each file when it was compiled; what it says of files
# that it has mixed is wrong.
LTO := $(if $(SANITIZE)$(filter -O0 -Og --coverage,$(CFLAGS)),,$(if $(call cc_options,-flto-partition=balanced),-flto=auto))
LTO_OBJECT := $(if $(LTO),$(LTO) -ffat-lto-objects)
LTO_LINK := $(if $(LTO),$(LTO) -w)

OUR_CPPFLAGS := -D_GNU_SOURCE -DEARSHOT_VERSION='"$(VERSION)"' -Ishared \
	$(call pkg_cflags,$(PKGS_CORE))
OUR_CFLAGS := -std=gnu11 $(WARNINGS) $(HARDENING) -pthread
OUR_LDFLAGS := -Wl,-z,relro,-z,now,-z,noexecstack -Wl,--as-needed -pthread \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE))

COMPILE = $(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(POSITION) $(CFLAGS) $(LATER) -MMD -MP
LINK = $(CC) $(OUR_CFLAGS) $(CFLAGS) $(OUR_LDFLAGS) $(LDFLAGS) $(or $(WHOLE),-fno-lto)
LINK_PROGRAM = $(LINK) -pie -o $@ $(filter %.o,$^) $(filter %.a,$^)

# Programs are position independent; what also goes into the shared library is so in the other way.
POSITION = -fPIE
$(BUILD)/obj/shared/% $(BUILD)/obj/client/files/% $(BUILD)/obj/client/lib/%: POSITION = -fPIC -fno-semantic-interposition

$(BUILD)/obj/shared/% $(BUILD)/obj/server/% $(BUILD)/obj/client/files/% $(BUILD)/obj/client/lib/%: LATER = $(LTO_OBJECT)

# --- sources -------------------------------------------------------------------------------------

sources = $(sort $(wildcard $(addsuffix /*.c,$(1))))
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

SHARED_SRC := $(call sources,shared/base shared/proto shared/ipc)
CORE_SRC := $(call sources,server/core server/core/past server/core/room server/store)
HUB_SRC := $(call sources,server server/io server/io/database)
FILES_SRC := $(call sources,client/files)
LIB_SRC := $(call sources,client/lib) $(FILES_SRC)
CLIENT_SRC := $(call sources,client client/cli client/cli/talk client/cli/files client/cli/past client/cli/look \
	client/chat client/chat/people client/chat/line client/irc client/mcp)
EXAMPLE_SRC := $(call sources,client/examples)
BENCH_SRC := $(call sources,tests/bench tests/bench/rows tests/bench/flood tests/bench/peers)
HARNESS_SRC := $(call sources,tests/harness)
FUZZ_SRC := $(call sources,tests/fuzz)
SEMANTIC_SRC := $(call sources,tests/semantic)
UNIT_SRC := $(sort $(shell find tests/unit -name '*.c' 2>/dev/null))
TEST_DIRS := tests/integration tests/terminal tests/hostile tests/fault
SHIM_SRC := $(wildcard tests/fault/*_shim.c)
TEST_SRC := $(filter-out $(SHIM_SRC),$(call sources,$(TEST_DIRS)))
TEST_SH := $(sort $(wildcard $(addsuffix /[0-9a-z]*.sh,$(TEST_DIRS))))
PROGRAM_SRC := $(SHARED_SRC) $(CORE_SRC) $(HUB_SRC) $(LIB_SRC) $(CLIENT_SRC)
ALL_SRC := $(PROGRAM_SRC) $(EXAMPLE_SRC) $(BENCH_SRC) $(FUZZ_SRC) $(SEMANTIC_SRC) $(HARNESS_SRC) $(UNIT_SRC) $(TEST_SRC) $(SHIM_SRC)
HEADERS := $(sort $(shell find shared server client tests -name '*.h' 2>/dev/null))

LIB_SHARED := $(BUILD)/lib/libshared.a
LIB_CORE := $(BUILD)/lib/libcore.a
LIB_CLIENT := $(BUILD)/lib/libclient.a
LIB_EARSHOT := $(BUILD)/lib/libearshot.a
LIB_HARNESS := $(BUILD)/lib/libharness.a
LIB_SO := $(BUILD)/lib/libearshot.so.$(SOVERSION)

# --- build ---------------------------------------------------------------------------------------

.PHONY: all
all: ## build everything
all: programs $(BUILD)/bin/earshot-bench $(LIB_EARSHOT) $(BUILD)/lib/libearshot.so

.PHONY: programs
programs: $(BUILD)/bin/earshotd $(BUILD)/bin/earshot ## build the hub and the client

# Rewritten only when their content changes. What is compiled depends on the flags, what is linked
# on the list of sources, so that neither another flag nor a deleted file goes unnoticed.
FLAGS := $(CC) $(OUR_CPPFLAGS) $(CPPFLAGS) $(OUR_CFLAGS) $(CFLAGS) $(LTO_OBJECT) $(OUR_LDFLAGS) $(LDFLAGS)
$(BUILD)/flags: CONTENT := $(FLAGS)
$(BUILD)/sources: CONTENT := $(ALL_SRC)
$(BUILD)/flags $(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(CONTENT))' >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
.PHONY: FORCE
FORCE:

# An include that goes up or sideways fails the build.
$(BUILD)/layers: scripts/check-layers $(PROGRAM_SRC) $(HEADERS)
	@mkdir -p $(@D)
	@scripts/check-layers
	@touch $@

$(LIB_SHARED): $(call objects,$(SHARED_SRC))
$(LIB_CORE): $(call objects,$(CORE_SRC))
$(LIB_CLIENT): $(call objects,$(LIB_SRC) $(SHARED_SRC))
$(LIB_EARSHOT): $(BUILD)/obj/earshot.o
$(LIB_HARNESS): $(call objects,$(HARNESS_SRC))
$(BUILD)/lib/%.a: $(BUILD)/sources
	@mkdir -p $(@D)
	$(call say,AR)
	@rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

# What others link: one object in which only the names in the map can be seen. Our own programs and
# tests use more of the library than that, so they link $(LIB_CLIENT).
PUBLIC := client/lib/libearshot.map
$(BUILD)/obj/earshot.o: $(call objects,$(LIB_SRC) $(SHARED_SRC)) $(PUBLIC) $(BUILD)/sources
	$(call say,LD)
	$(Q)$(LD) -r -o $@ $(filter %.o,$^)
	$(Q)$(OBJCOPY) --wildcard -R '.gnu.lto_*' -R '.gnu.debuglto_*' $$(sed -n 's/^ *\(earshot_.*\);$$/--keep-global-symbol=\1/p' $(PUBLIC)) $@

$(LIB_SO): private WHOLE = $(LTO_LINK)
$(LIB_SO): $(call objects,$(LIB_SRC) $(SHARED_SRC)) $(PUBLIC)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(LINK) -shared -Wl,-soname,$(@F) -Wl,--version-script=$(PUBLIC) \
		$(if $(SANITIZE),,-Wl,-z,defs) -o $@ $(filter %.o,$^) $(LIBS_CORE)

$(BUILD)/lib/libearshot.so: $(LIB_SO)
	$(Q)ln -sf $(<F) $@

$(BUILD)/bin/earshotd $(BUILD)/bin/earshot $(BUILD)/bin/earshot-bench: private WHOLE = $(LTO_LINK)

$(BUILD)/bin/earshotd: $(BUILD)/sources $(call objects,$(HUB_SRC)) $(LIB_CORE) $(LIB_SHARED)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(LINK_PROGRAM) $(LIBS_CORE) $(LIBS_HUB)

$(BUILD)/bin/earshot: $(BUILD)/sources $(call objects,$(CLIENT_SRC)) $(LIB_CLIENT)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(LINK_PROGRAM) $(LIBS_CORE) $(LIBS_CLIENT)

$(BUILD)/bin/earshot-bench: $(BUILD)/sources $(call objects,$(BENCH_SRC)) $(LIB_CORE) \
		$(LIB_CLIENT)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(LINK_PROGRAM) $(LIBS_CORE) $(LIBS_HUB) $(LIBS_BENCH)

# As their users compile them: <earshot.h> and the library, nothing else.
EXAMPLE_BIN := $(patsubst client/%.c,$(BUILD)/%,$(EXAMPLE_SRC))
.PHONY: examples
examples: $(EXAMPLE_BIN) ## build the bots in client/examples
$(EXAMPLE_BIN): $(BUILD)/%: $(BUILD)/obj/client/%.o $(LIB_EARSHOT)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(LINK_PROGRAM) $(LIBS_CORE)
$(BUILD)/obj/client/examples/%.o: OUR_CPPFLAGS += -Iclient/lib

$(BUILD)/obj/server/%.o: OUR_CPPFLAGS += -Iserver $(CFLAGS_HUB)
$(BUILD)/obj/client/%.o: OUR_CPPFLAGS += -Iclient $(CFLAGS_CLIENT)
$(BUILD)/obj/tests/%.o: OUR_CPPFLAGS += -Iclient -Iserver -Itests
$(BUILD)/obj/%.o: %.c $(BUILD)/flags | $(BUILD)/layers
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(COMPILE) -c -o $@ $<

# --- tests ---------------------------------------------------------------------------------------

# One Criterion program for each directory of unit tests.
UNIT_DIRS := $(patsubst %/,%,$(sort $(dir $(UNIT_SRC))))
UNIT_BIN := $(patsubst tests/%,$(BUILD)/tests/%/run,$(UNIT_DIRS))
TEST_BIN := $(patsubst tests/%.c,$(BUILD)/tests/%,$(TEST_SRC))
MUTATE := $(BUILD)/tests/fuzz/mutate

define unit_program
$(BUILD)/tests/$(patsubst tests/%,%,$(1))/run: \
		$(call objects,$(filter $(1)/%,$(call sources,$(1)))) \
		$(LIB_CORE) $(LIB_CLIENT)
	@mkdir -p $$(@D)
	$$(call say,LD)
	$(Q)$$(LINK_PROGRAM) $$(LIBS_CORE) $$(LIBS_HUB) $$(LIBS_TEST)
endef
# Of the hub's threads only what stands on its own.
$(BUILD)/tests/unit/io/run: $(call objects,server/io/lock.c server/io/noted.c server/io/tell.c)

# Of the program what needs no other part of it.
$(BUILD)/tests/unit/cli/run: $(call objects,client/cli/kept.c client/cli/outcome.c)

# Of the door what knows no connection.
IRC_PURE := client/irc/line.c client/irc/numeric.c client/irc/spell.c
$(BUILD)/tests/unit/irc/run: $(call objects,$(IRC_PURE))

$(foreach dir,$(UNIT_DIRS),$(eval $(call unit_program,$(dir))))

# The allocations of the core fail one after the other, see memory.c there.
$(BUILD)/tests/unit/core/run: OUR_LDFLAGS += \
	-Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup,--wrap=free

$(TEST_BIN): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o $(LIB_HARNESS) $(LIB_CLIENT)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(LINK_PROGRAM) $(LIBS_CORE) $(LIBS_HUB)

# What a test puts in front of the C library of a program that it starts.
$(call objects,$(SHIM_SRC)): POSITION = -fPIC
$(BUILD)/tests/fault/%_shim.so: $(BUILD)/obj/tests/fault/%_shim.o
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(LINK) -shared -o $@ $<
SHIMS := $(patsubst %.c,$(BUILD)/%.so,$(SHIM_SRC))
$(BUILD)/tests/fault/35_disk_faults: | $(SHIMS)

# The decoders under mutation are always compiled with the address and undefined sanitizers.
FUZZ_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FUZZ_COMPILE = $(OUR_CPPFLAGS) -Itests -std=gnu11 $(WARNINGS) -O1 -g $(FUZZ_FLAGS)
CHECKED_SRC := $(call sources,shared/base shared/proto) client/irc/line.c client/irc/spell.c $(filter-out %/mutate.c %/libfuzzer.c,$(FUZZ_SRC))
MUTATE_OBJ := $(patsubst %.c,$(BUILD)/fuzz/%.o,$(CHECKED_SRC) tests/fuzz/mutate.c)
$(BUILD)/fuzz/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$< (fuzz))
	$(Q)$(CC) $(FUZZ_COMPILE) -MMD -MP -c -o $@ $<
$(MUTATE): $(MUTATE_OBJ)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(FUZZ_FLAGS) -pthread -o $@ $^ $(LIBS_CORE)

# What valid frames do to the core, in one process; allocations fail, see memory.c there.
SEMANTIC := $(BUILD)/tests/semantic/run
SEMANTIC_OBJ := $(patsubst %.c,$(BUILD)/fuzz/%.o, \
	$(call sources,shared/base shared/proto server/core server/core/past server/core/room) $(SEMANTIC_SRC))
$(BUILD)/fuzz/tests/semantic/%.o $(BUILD)/fuzz/server/%.o: OUR_CPPFLAGS += -Iserver
$(MUTATE_OBJ): OUR_CPPFLAGS += -Iclient
$(SEMANTIC): $(SEMANTIC_OBJ)
	@mkdir -p $(@D)
	$(call say,LD)
	$(Q)$(CC) $(FUZZ_FLAGS) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc \
		-Wl,--wrap=reallocarray,--wrap=strdup,--wrap=strndup,--wrap=free -pthread -o $@ $^ $(LIBS_CORE) $(LIBS_HUB)

# Coverage guided, which only clang can do.
$(BUILD)/tests/fuzz/libfuzzer: OUR_CPPFLAGS += -Iclient
$(BUILD)/tests/fuzz/libfuzzer: $(CHECKED_SRC) tests/fuzz/libfuzzer.c $(HEADERS) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)clang $(FUZZ_COMPILE) -fsanitize=fuzzer -pthread -o $@ $(filter %.c,$^) $(LIBS_CORE)

TEST_ENV = BUILD='$(BUILD)' CC='$(CC)' SANITIZE='$(SANITIZE)'

.PHONY: tests
tests: all $(UNIT_BIN) $(TEST_BIN) $(MUTATE) $(SEMANTIC) ## build all tests, run none

.PHONY: check
check: ## install what is missing, build, run all tests
	@scripts/install-deps check
	@$(MAKE) --no-print-directory tests
	@$(call in_turn,check-unit check-mutate check-semantic model check-programs)

# Makes one target after the other and goes on after a failure, which is reported at the end.
in_turn = failed=; for target in $(1); do \
	$(MAKE) --no-print-directory $(2) $$target || failed="$$failed $$target"; done; \
	[ -z "$$failed" ] || { echo "FAILED:$$failed"; exit 1; }

.PHONY: check-unit
check-unit: all $(UNIT_BIN) ## only the unit tests
	@status=0; for program in $(UNIT_BIN); do \
		echo "== $$program"; $(TEST_ENV) tests/isolate -t $(if $(SANITIZE),1200,900) "$$program" || status=1; done; \
		exit $$status

.PHONY: check-mutate
check-mutate: $(MUTATE) ## only the deterministic mutation of what the decoders read
	@echo "== $<"
	@tests/isolate -t 300 $< $(ROUNDS)

.PHONY: check-semantic
check-semantic: $(SEMANTIC) ## only the core under valid frames with extreme values; FRAMES=200000 SEED=1
	@echo "== $<"
	@tests/isolate -t 1200 $< $(or $(FRAMES),200000) $(SEED)

.PHONY: model
model: ## check the models of ring and channel in all their states, and that mutants are found out
	@echo "== models of ring and channel"
	@tests/isolate -t 900 tests/model/run

.PHONY: check-programs
check-programs: all $(TEST_BIN) $(SHIMS) $(EXAMPLE_BIN) ## only the tests of the real programs; TESTS='tests/a/b.sh ...'
	@echo "== tests of the programs"
	@$(TEST_ENV) tests/run $(or $(TESTS),$(TEST_SH) $(TEST_SRC))

.PHONY: irctest
irctest: programs ## the conformance suite of the IRC world against `earshot irc`, where IRCTEST=DIR has it
	@BIN='$(abspath $(BUILD)/bin)' tests/irctest/run || [ $$? -eq 77 ]

.PHONY: soak
soak: all $(TEST_BIN) ## kill everything at random for SECONDS=60, then the hub at every call; SEED=...
	@scripts/install-deps check
	@status=0; for test in 30_kill_loop 31_every_call; do echo "== $$test"; \
		DURATION=$(DURATION) FULL=1 BIN='$(abspath $(BUILD)/bin)' HARNESS='$(CURDIR)/tests/harness' \
		$(TEST_ENV) tests/isolate -t $$(($(DURATION) + 3600)) $(BUILD)/tests/fault/$$test || \
		status=1; done; exit $$status

.PHONY: check-mcp
check-mcp: all ## earshot mcp with the official client, which npm installs below build/
	npm install --no-audit --no-fund --silent --prefix $(BUILD)/mcp @modelcontextprotocol/sdk @modelcontextprotocol/inspector
	$(MAKE) check-programs TESTS=tests/integration/94_mcp_client.sh

.PHONY: storm
storm: all $(BUILD)/tests/hostile/40_storms ## what one user can do to others, for DURATION=3 s each; STORMS="join topic" SESSIONS=1000
	@scripts/install-deps check
	@MEASURE=1 STORM_MS=$(if $(filter file,$(origin DURATION)),3,$(DURATION))000 BIN='$(abspath $(BUILD)/bin)' \
		$(TEST_ENV) tests/isolate -t 7200 $(BUILD)/tests/hostile/40_storms

TRANSFERS ?= 1000
.PHONY: soak-files
soak-files: all $(BUILD)/tests/fault/34_kill_transfers ## kill sender, receiver or hub in TRANSFERS=1000 transfers; SEED=...
	@scripts/install-deps check
	@TRANSFERS=$(TRANSFERS) BIN='$(abspath $(BUILD)/bin)' $(TEST_ENV) tests/isolate \
		-t $$(($(TRANSFERS) * 4 + 600)) $(BUILD)/tests/fault/34_kill_transfers

.PHONY: asan ubsan tsan
asan: ## the suite under AddressSanitizer
	@scripts/install-deps check
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan SANITIZE=address tests
	@$(call in_turn,check-unit check-programs,BUILD=$(BUILD)-asan SANITIZE=address)
ubsan: ## the suite under UndefinedBehaviorSanitizer
	@scripts/install-deps check
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-ubsan SANITIZE=undefined tests
	@$(call in_turn,check-unit check-programs,BUILD=$(BUILD)-ubsan SANITIZE=undefined)
tsan: ## the tests of the programs under ThreadSanitizer (Criterion cannot run there)
	@scripts/install-deps check
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-tsan SANITIZE=thread check-programs

.PHONY: fuzz
fuzz: ## valid frames with extreme values (FRAMES=10000000, SEED=1), then bytes for a decoder, for DURATION=60
	@scripts/install-deps fuzz
	@$(MAKE) --no-print-directory $(SEMANTIC) $(BUILD)/tests/fuzz/libfuzzer
	$(SEMANTIC) $(or $(FRAMES),10000000) $(SEED)
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-fuzz SANITIZE=address,undefined fuzz-hub
	@mkdir -p $(BUILD)/corpus
	$(BUILD)/tests/fuzz/libfuzzer -max_total_time=$(DURATION) -max_len=16128 -print_final_stats=1 \
		-artifact_prefix=$(BUILD)/ $(BUILD)/corpus

# Branches that unit tests reach. Left out: what the macros of uthash and utlist make of one line of
# ours, and assertions, whose other branch must never be reached. See scripts/coverage.
.PHONY: coverage
coverage: ## branches of server/core and shared/proto that unit tests reach; fails below COVERAGE=90 %
	@scripts/install-deps coverage
	@if [ -d $(BUILD)-coverage ]; then find $(BUILD)-coverage -name '*.gcda' -delete; fi
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-coverage CC=gcc CFLAGS='-O0 -g --coverage' SANITIZE= check-unit
	@scripts/coverage $(BUILD)-coverage $(or $(COVERAGE),90)

# The same with a real hub under both sanitizers.
.PHONY: fuzz-hub
fuzz-hub: all $(BUILD)/tests/hostile/41_meaning
	@SECONDS_EACH=$(DURATION) BIN='$(abspath $(BUILD)/bin)' $(TEST_ENV) tests/isolate \
		-t $$(($(DURATION) * 2 + 600)) $(BUILD)/tests/hostile/41_meaning

# --- use -----------------------------------------------------------------------------------------

.PHONY: run
run: ## install what is missing, build, join a private hub (NAME=handle); without a terminal: demo
	@scripts/install-deps build
	@$(MAKE) --no-print-directory programs
	@if [ -t 0 ] && [ -t 1 ]; then exec $(BUILD)/bin/earshot $(if $(NAME),--name '$(NAME)'); \
		else BUILD='$(BUILD)' exec scripts/demo; fi

.PHONY: demo
demo: programs ## watch two clients talk to each other
	@BUILD='$(BUILD)' scripts/demo

.PHONY: bench
bench: all ## measure, beside the bare kernel calls; BENCH_ARGS='--json ...'
	@$(BUILD)/bin/earshot-bench $(BENCH_ARGS)

# ROUNDS and DURATION have other values for other targets.
PEERS_ARGS = $(if $(filter file,$(origin ROUNDS)),,--rounds '$(ROUNDS)') \
	$(if $(filter file,$(origin DURATION)),,--duration '$(DURATION)') $(if $(ROWS),--only '$(ROWS)')
.PHONY: bench-peers
bench-peers: all ## floods beside those of nats-server, redis, ngircd, mosquitto and dbus-daemon that are installed; ROUNDS=5 ROWS='flood-* ...' DURATION=0.7
	@$(BUILD)/bin/earshot-bench --peers $(PEERS_ARGS) $(BENCH_ARGS)

.PHONY: picture
picture: all ## measure messages and shared memory by size, and draw tests/bench/crossing.svg
	@scripts/install-deps picture
	@scripts/draw-crossing $(BUILD)/bin/earshot-bench tests/bench/crossing.svg $(BENCH_ARGS)

# --- installation --------------------------------------------------------------------------------

# The standard directories (GNU Coding Standards, 7.2.5); each can be given to make. The hub is in
# bindir, not sbindir: everybody runs one, the private one, which a client starts.
prefix = $(PREFIX)
exec_prefix = $(prefix)
bindir = $(exec_prefix)/bin
libdir = $(exec_prefix)/lib
includedir = $(prefix)/include
datadir = $(prefix)/share
mandir = $(datadir)/man
docdir = $(datadir)/doc/earshot
pkgconfigdir = $(libdir)/pkgconfig
systemdsystemdir = $(prefix)/lib/systemd/system
systemduserdir = $(prefix)/lib/systemd/user
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d
bashdir = $(datadir)/bash-completion/completions
zshdir = $(datadir)/zsh/site-functions
fishdir = $(datadir)/fish/vendor_completions.d
# Where the Python that is here looks below this prefix; Debian's own packages go into python3/.
pythondir = $(exec_prefix)/lib/$(or $(shell python3 -c 'import site, sys; print("python%d.%d/%s" % (*sys.version_info[:2], \
	site.getsitepackages()[0].rpartition("/")[2]))' 2>/dev/null),python3/dist-packages)

# Templates for /etc are examples here: what an administrator has written there is his.
EXAMPLES := $(wildcard client/examples/*) client/etc/earshot/config server/etc/earshot/hub.conf

PYTHON := $(wildcard client/python/earshot/*.py) client/python/earshot/py.typed

# mode:file:where it goes
PAGES := $(wildcard client/man/*.[1-8] server/man/*.[1-8])
FILES = 755:$(BUILD)/bin/earshot:$(bindir)/earshot \
	755:$(BUILD)/bin/earshotd:$(bindir)/earshotd \
	644:$(LIB_EARSHOT):$(libdir)/libearshot.a \
	644:$(LIB_SO):$(libdir)/libearshot.so.$(VERSION) \
	644:client/lib/earshot.h:$(includedir)/earshot.h \
	644:$(BUILD)/install/earshot.pc:$(pkgconfigdir)/earshot.pc \
	644:$(BUILD)/install/system.service:$(systemdsystemdir)/earshot.service \
	644:$(BUILD)/install/user.service:$(systemduserdir)/earshot.service \
	644:$(BUILD)/install/hook.service:$(systemduserdir)/earshot-hook.service \
	644:$(BUILD)/install/irc.service:$(systemduserdir)/earshot-irc.service \
	644:client/systemd/irc.socket:$(systemduserdir)/earshot-irc.socket \
	644:server/systemd/sysusers.conf:$(sysusersdir)/earshot.conf \
	644:server/systemd/tmpfiles.conf:$(tmpfilesdir)/earshot.conf \
	644:client/completion/earshot.bash:$(bashdir)/earshot \
	644:client/completion/_earshot:$(zshdir)/_earshot \
	644:client/completion/earshot.fish:$(fishdir)/earshot.fish \
	644:README.md:$(docdir)/README.md \
	644:server/etc/default/earshot:$(docdir)/examples/default \
	$(foreach file,$(EXAMPLES),$(if $(filter %.sh %.py,$(file)),755,644):$(file):$(docdir)/examples/$(notdir $(file))) \
	$(foreach file,$(PYTHON),644:$(file):$(pythondir)/earshot/$(notdir $(file))) \
	$(foreach page,$(PAGES),644:$(page):$(mandir)/man$(patsubst .%,%,$(suffix $(page)))/$(notdir $(page)))
LINKS = libearshot.so.$(SOVERSION) libearshot.so

# Templates name directories as @libdir@. They are filled in each time: the directories may differ.
$(BUILD)/install/earshot.pc: client/lib/earshot.pc.in
$(BUILD)/install/system.service: server/systemd/system.service.in
$(BUILD)/install/user.service: server/systemd/user.service.in
$(BUILD)/install/hook.service: client/systemd/hook.service.in
$(BUILD)/install/irc.service: client/systemd/irc.service.in
$(BUILD)/install/%: FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@prefix@|$(prefix)|g' -e 's|@bindir@|$(bindir)|g' -e 's|@libdir@|$(libdir)|g' \
		-e 's|@includedir@|$(includedir)|g' -e 's|@version@|$(VERSION)|g' \
		-e 's|@requires@|$(PKGS_CORE)|g' $(filter %.in,$^) >$@

# Lines of the recipes below; the empty line ends each of them.
define install_row
	install -D -m $(word 1,$(1)) $(word 2,$(1)) '$(DESTDIR)$(word 3,$(1))'

endef
define uninstall_row
	rm -f '$(DESTDIR)$(word 3,$(1))'

endef

.PHONY: install
install: all $(addprefix $(BUILD)/install/,earshot.pc system.service user.service hook.service irc.service)
install: ## install programs, library, manual, units; PREFIX=/usr/local DESTDIR=, bindir= ...
	$(foreach row,$(FILES),$(call install_row,$(subst :, ,$(row))))
	$(foreach link,$(LINKS),ln -sf libearshot.so.$(VERSION) '$(DESTDIR)$(libdir)/$(link)' &&) true

.PHONY: uninstall
uninstall: ## remove what install put there, with the same PREFIX= DESTDIR=
	$(foreach row,$(FILES),$(call uninstall_row,$(subst :, ,$(row))))
	rm -f $(foreach link,$(LINKS),'$(DESTDIR)$(libdir)/$(link)')
	rm -rf '$(DESTDIR)$(pythondir)/earshot/__pycache__'

.PHONY: deb
deb: ## build Debian packages and check them with lintian; they are in $(BUILD)/deb
	@scripts/install-deps deb
	@BUILD='$(BUILD)' VERSION='$(VERSION)' scripts/deb/build

# --- rules that a machine can check --------------------------------------------------------------

.PHONY: lint
lint: ## format, layers, headers, banned calls, static analysis, lengths
	@scripts/install-deps lint
	@CC='$(CC)' FLAGS='-D_GNU_SOURCE -Ishared $(call pkg_cflags,$(PKGS_CORE) $(PKGS_HUB) $(PKGS_CLIENT))' scripts/lint

.PHONY: format
format: ## reformat all sources
	@clang-format -i $(ALL_SRC) $(HEADERS)

.PHONY: clean
clean: ## remove what was built
	rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-ubsan $(BUILD)-tsan $(BUILD)-fuzz $(BUILD)-coverage

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(patsubst %.o,%.d,$(call objects,$(ALL_SRC)) $(MUTATE_OBJ) $(SEMANTIC_OBJ))
