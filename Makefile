# A menu only: meson and ninja build, ./run and ./test do the rest.
.PHONY: help run test unit check stop status clean

help:
	@echo "make run      build and start everything (./run)"
	@echo "make test     every test (./test)"
	@echo "make unit     the unit tests"
	@echo "make check    formatting and static analysis (.ci/run --checks)"
	@echo "make stop     stop what ./run started"
	@echo "make status   what runs"
	@echo "make clean    remove the build directories"

run:
	@./run

test:
	@./test

unit:
	@./test unit

check:
	@.ci/run --checks

stop:
	@./run --stop

status:
	@./run --status

clean:
	rm -rf build build-asan build-ci bin
