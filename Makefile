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
else
OPT         := -g -O2
endif

CFLAGS_ALL  := -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) $(HARDEN) $(CFLAGS)

.PHONY: help build module nginx
.DEFAULT_GOAL := build

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) \
	    | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

build: module ## the nginx module, the helper, procmgrctl and the page

# the module, against the installed nginx's own sources and flags

MODULE      := $(B)/ngx_http_procmgr_module.so
NGX         := $(B)/nginx-src
MODULE_SRCS := ngx_http_procmgr_module.c \
               $(wildcard src/proc/*.[ch] src/policy/*.[ch] \
                          src/core/*.[ch] src/http/*.[ch])

ifeq ($(BUILD),sanitize)
MODULE_OPT  := --with-cc-opt="$(OPT)" --with-ld-opt="-fsanitize=address,undefined"
else ifeq ($(BUILD),debug)
MODULE_OPT  := --with-cc-opt="-g -O0" --with-debug
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
	rm -rf $(NGX) $(B)/objs
	cp -R $(NGINX_SRC) $(NGX)
	cd $(NGX) && bash -c '. ./conf_flags && ./configure \
	    "$${NGX_CONF_FLAGS[@]}" $(MODULE_OPT) --builddir=$(B)/objs \
	    --add-dynamic-module=$(CURDIR)' > $(B)/configure.log 2>&1 \
	    || { tail -n 20 $(B)/configure.log >&2; exit 1; }

$(MODULE): $(B)/objs/Makefile $(MODULE_SRCS)
	$(MAKE) --no-print-directory -s -j$(J) -C $(NGX) \
	    -f $(B)/objs/Makefile modules
	cp $(B)/objs/ngx_http_procmgr_module.so $@

