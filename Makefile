# procmgr: "make help" lists the targets

BUILD       ?= release
BUILD_DIR   ?= build/$(BUILD)
NGINX_SRC   ?= /usr/share/nginx/src
B           := $(abspath $(BUILD_DIR))
J           := $(shell nproc)

CC          ?= cc
WARN        := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
               -Wmissing-prototypes
HARDEN      := -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
LINK        := -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack

ifeq ($(BUILD),sanitize)
OPT         := -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined \
               -fno-sanitize-recover=undefined
HARDEN      := -fPIE
else ifeq ($(BUILD),debug)
OPT         := -g -O0
HARDEN      := -fPIE
else ifeq ($(BUILD),faults)
OPT         := -g -O1 -DPROCMGR_FAILPOINTS
else
OPT         := -g -O2
endif

CFLAGS_ALL  := -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) $(HARDEN) $(CFLAGS)

.PHONY: help build module helper helper-into ctl html unit run demo-memory \
        stop test check \
        faults faults-build bench lint coverage fuzz screenshots install \
        clean packages test-packages fuzz-packages nginx
.DEFAULT_GOAL := build
.SECONDARY:

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
	    | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

build: module helper ctl html ## the module, the helper, procmgrctl and the page

# the module, against the installed nginx's own sources and flags

MODULE      := $(B)/ngx_http_procmgr_module.so
NGX         := $(B)/nginx-src
MODULE_SRCS := ngx_http_procmgr_module.c \
               $(wildcard src/proc/*.[ch] src/policy/*.[ch] \
                          src/core/*.[ch] src/http/*.[ch] sql/*.sql)

ifeq ($(BUILD),sanitize)
MODULE_OPT  := --with-cc-opt="$(OPT)" --with-ld-opt="-fsanitize=address,undefined"
else ifeq ($(BUILD),debug)
MODULE_OPT  := --with-cc-opt="-g -O0" --with-debug
else ifeq ($(BUILD),faults)
MODULE_OPT  := --with-cc-opt="$(OPT)"
else
MODULE_OPT  := --with-cc-opt="-g -O2 -fstack-protector-strong -fPIC \
               -D_FORTIFY_SOURCE=2 -Wextra -Wno-unused-parameter" \
               --with-ld-opt="-Wl,-z,relro -Wl,-z,now"
endif

module: $(MODULE)

# the list of files is part of what nginx's configure makes
$(B)/srcs.list: FORCE
	@mkdir -p $(B)
	@echo '$(sort $(MODULE_SRCS))' | cmp -s - $@ \
	    || echo '$(sort $(MODULE_SRCS))' > $@

.PHONY: FORCE
FORCE:

$(B)/objs/Makefile: config $(B)/srcs.list
	@test -f $(NGINX_SRC)/conf_flags \
	    || { echo "no $(NGINX_SRC): install nginx-dev" >&2; exit 1; }
	@rm -rf $(NGX) $(B)/objs
	@cp -R $(NGINX_SRC) $(NGX)
	@echo "  CONF    nginx"
	@cd $(NGX) && bash -c '. ./conf_flags && ./configure \
	    "$${NGX_CONF_FLAGS[@]}" $(MODULE_OPT) --builddir=$(B)/objs \
	    --add-dynamic-module=$(CURDIR)' > $(B)/configure.log 2>&1 \
	    || { tail -n 20 $(B)/configure.log >&2; exit 1; }

$(MODULE): $(B)/objs/Makefile $(MODULE_SRCS)
	@echo "  MODULE  $(@F)"
	@$(MAKE) --no-print-directory -s -j$(J) -C $(NGX) \
	    -f $(B)/objs/Makefile modules
	@cp $(B)/objs/ngx_http_procmgr_module.so $@

# the sanitizers' libraries must be the first to be loaded, also into an
# nginx that was built without them

ifeq ($(BUILD),sanitize)
build: $(B)/nginx

$(B)/nginx: Makefile
	@mkdir -p $(B)
	@printf '#!/bin/sh\nLD_PRELOAD="%s %s" exec %s "$$@"\n' \
	    "$$($(CC) -print-file-name=libasan.so)" \
	    "$$($(CC) -print-file-name=libubsan.so)" \
	    "$$(PATH="$$PATH:/usr/sbin" command -v nginx)" > $@
	@chmod 755 $@
endif

# the helper: its constants stand in one object, so that an instance of its
# own (a test, "make run") costs one link

# (of the policy's files all but the one that splits what a worker was told)
HELPER_SRCS := $(filter-out src/helper/helper_paths.c src/policy/pm_words.c, \
               $(wildcard src/helper/*.c src/policy/*.c))
HELPER_OBJS := $(HELPER_SRCS:%.c=$(B)/%.o)

CONFDIR      ?= /etc/procmgr
SPOOLDIR     ?= /var/lib/procmgr/spool
FAIL_DIR     ?= $(abspath $(SPOOLDIR)/..)/fail
WEB_UID      ?= $(shell id -u www-data 2>/dev/null || id -u)
UNPRIVILEGED ?= 0
OUT          ?= $(B)/procmgr-helper

PATHS       := -DPM_POLICY_PATH='"$(CONFDIR)/policy.conf"' \
               -DPM_KEY_PATH='"$(CONFDIR)/helper.key"' \
               -DPM_SPOOL_DIR='"$(SPOOLDIR)"' \
               -DPM_WEB_UID=$(WEB_UID) -DPM_UNPRIVILEGED=$(UNPRIVILEGED)

ifeq ($(BUILD),faults)
PATHS       += -DPM_FAIL_DIR='"$(FAIL_DIR)"'
endif

$(B)/src/%.o: src/%.c $(wildcard src/proc/*.h src/policy/*.h src/helper/*.h \
                                src/ctl/*.h)
	@mkdir -p $(@D)
	@echo "  CC      $<"
	@$(CC) $(CFLAGS_ALL) -c -o $@ $<

helper: $(B)/procmgr-helper

$(B)/procmgr-helper: $(HELPER_OBJS) src/helper/helper_paths.c
	@echo "  LINK    $(@F)"
	@$(CC) $(CFLAGS_ALL) $(PATHS) $(LINK) -o $@ \
	    src/helper/helper_paths.c $(HELPER_OBJS)

helper-into: $(HELPER_OBJS)
	@$(CC) $(CFLAGS_ALL) $(PATHS) $(LINK) -o $(OUT) \
	    src/helper/helper_paths.c $(HELPER_OBJS)

# procmgrctl

CTL_SRCS    := $(wildcard src/ctl/*.c) $(wildcard src/policy/*.c)
CTL_OBJS    := $(CTL_SRCS:%.c=$(B)/%.o)

$(B)/src/ctl/%.o: CFLAGS_ALL += -I$(shell pg_config --includedir 2>/dev/null)

ctl: $(B)/procmgrctl

$(B)/procmgrctl: $(CTL_OBJS)
	@echo "  LINK    $(@F)"
	@$(CC) $(CFLAGS_ALL) $(LINK) -o $@ $(CTL_OBJS) -lpq -lcrypt

# the page: our files, and its libraries as the lock file pins them

html: $(B)/html/index.html

$(B)/html/index.html: $(shell find html -path html/node_modules -prune -o \
                      -type f -print)
	@tools/html.sh $(B)/html

# tests

UNIT_LIB    := $(patsubst %.c,$(B)/%.o, \
               $(wildcard src/proc/*.c src/policy/*.c))
UNIT        := $(patsubst t/unit/%.c,$(B)/unit/%,$(wildcard t/unit/test_*.c))

$(B)/unit/%: t/unit/%.c $(wildcard t/unit/*.h) $(UNIT_LIB)
	@mkdir -p $(@D)
	@echo "  TEST    $(@F)"
	@$(CC) $(CFLAGS_ALL) -Isrc/proc -Isrc/policy \
	    -DPM_FIXTURES='"$(CURDIR)/t/fixtures"' $(LINK) -o $@ $< \
	    $(UNIT_LIB) -lcmocka -lm

unit: $(UNIT) ## the unit tests alone
	@set -e; for t in $(UNIT); do $$t; done

run: packages ## build, start an instance below run/ and print its address
	@$(MAKE) --no-print-directory build
	@BUILD_DIR=$(B) tools/run.sh

demo-memory: packages ## a program that grows, watched: its alert, its summary
	@$(MAKE) --no-print-directory build
	@BUILD_DIR=$(B) tools/demo-memory.sh

stop: ## stop that instance and its demonstration service
	@tools/stop.sh

test: test-packages ## everything: unit, helper, HTTP, faults, page, lint
	@$(MAKE) --no-print-directory build unit \
	    $(if $(TESTS),$(if $(findstring fault,$(TESTS)),faults-build),faults-build)
	@BUILD_DIR=$(B) BUILD=$(BUILD) FAULTS_DIR=$(FAULTS_DIR) \
	    tools/test.sh $(TESTS)

# the fault run has a build of its own, whose code can be held at its points

FAULTS_DIR  ?= $(abspath $(B)/../faults)

faults-build: build
	@$(MAKE) --no-print-directory BUILD=faults BUILD_DIR=$(FAULTS_DIR) \
	    module helper
	@cp -pf $(B)/procmgrctl $(FAULTS_DIR)/procmgrctl
	@cp -pRf $(B)/html $(FAULTS_DIR)/

faults: faults-build ## 1400 runs of kill, stop and cut at every failpoint
	@BUILD_DIR=$(B) FAULTS_DIR=$(FAULTS_DIR) \
	    PROCMGR_FAULT_RUNS=$${PROCMGR_FAULT_RUNS:-1400} \
	    PROCMGR_FAULT_JOBS=$${PROCMGR_FAULT_JOBS:-$(shell expr 3 \* $(J))} \
	    prove --merge -It/lib t/fault/failpoints.t

check: build unit ## the quick tests: unit and HTTP, what is installed
	@BUILD_DIR=$(B) BUILD=$(BUILD) tools/test.sh t/alone t/helper t/sql t/http

bench: build ## ratios against the floor and the peers, in one run
	@BUILD_DIR=$(B) bench/bench.sh

lint: ## layers, house rules, static analysis
	@tools/lint.sh

coverage: ## which branches of policy and helper their tests take
	@tools/coverage.sh

fuzz: fuzz-packages ## random texts for everything that reads one
	@BUILD_DIR=$(B) tools/fuzz.sh

screenshots: build ## every view, both themes, three widths
	@BUILD_DIR=$(B) tools/screenshots.sh

packages:
	@tools/packages.sh build

test-packages:
	@tools/packages.sh test

fuzz-packages:
	@tools/packages.sh fuzz

clean: ## remove what was built
	rm -rf build html/node_modules t/ui/node_modules

# installing, for packagers and by hand

prefix      ?= /usr
sysconfdir  ?= /etc
libexecdir  ?= $(prefix)/libexec
datadir     ?= $(prefix)/share
mandir      ?= $(datadir)/man
moddir      ?= $(prefix)/lib/nginx/modules

install: build ## into $(DESTDIR): module, helper, procmgrctl, page, man pages
	install -D -m 644 $(MODULE) $(DESTDIR)$(moddir)/ngx_http_procmgr_module.so
	install -D -m 4750 $(B)/procmgr-helper $(DESTDIR)$(libexecdir)/procmgr-helper
	install -D -m 755 $(B)/procmgrctl $(DESTDIR)$(prefix)/bin/procmgrctl
	install -d $(DESTDIR)$(datadir)/procmgr $(DESTDIR)$(sysconfdir)/procmgr
	cp -R $(B)/html sql examples $(DESTDIR)$(datadir)/procmgr/
	install -d $(DESTDIR)$(mandir)/man5 $(DESTDIR)$(mandir)/man8
	install -m 644 debian/*.5 $(DESTDIR)$(mandir)/man5/
	install -m 644 debian/*.8 $(DESTDIR)$(mandir)/man8/
