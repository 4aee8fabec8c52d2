#!/bin/sh
# Installs what `make languages`, and `make generate` for other languages than Python, need beyond the languages themselves: the
# plugins of protoc into .venv/languages, and TypeScript's packages beside its code. Versions are those of go.mod, pom.xml and
# package-lock.json, so that the code is written by the releases that it runs with. Nothing is looked up again until they
# change.
#
# Go, a JDK with Maven, and Node.js have to be there. One that is missing is told of, the others are installed, and then it
# fails.
set -eu
cd "$(dirname "$0")/.."
tools=.venv/languages
# The plugin of gRPC for Go has versions of its own, which go.mod does not name.
go_grpc=v1.5.1
missing=

has() {
    for command in "$@"; do
        if ! command -v "$command" >/dev/null; then
            echo "!!! $command is NOT on this machine: its client is neither written nor tested" >&2
            missing="$missing $command"
            return 1
        fi
    done
}

# Runs an installation unless it was run for these files as they are.
once() {
    installation=$1
    shift
    if ! cat tools/install_languages.sh "$@" | cmp -s - "$tools/$installation.lock"; then
        "install_$installation"
        cat tools/install_languages.sh "$@" >"$tools/$installation.lock"
    fi
}

install_go() {
    protobuf=$(sed -n 's/^\tgoogle.golang.org\/protobuf //p' generated/go/go.mod)
    GOBIN=$PWD/$tools/go go install "google.golang.org/protobuf/cmd/protoc-gen-go@$protobuf"
    GOBIN=$PWD/$tools/go go install "google.golang.org/grpc/cmd/protoc-gen-go-grpc@$go_grpc"
}

install_java() {
    protobuf=$(sed -n 's/.*<protobuf.version>\(.*\)<\/protobuf.version>.*/\1/p' generated/java/pom.xml)
    case $(uname -s)-$(uname -m) in
    Linux-x86_64) platform=linux-x86_64 ;;
    Linux-aarch64) platform=linux-aarch_64 ;;
    Darwin-x86_64) platform=osx-x86_64 ;;
    Darwin-arm64) platform=osx-aarch_64 ;;
    *)
        echo "there is no protoc for $(uname -s) on $(uname -m)" >&2
        exit 1
        ;;
    esac
    mkdir -p "$tools/java"
    mvn --batch-mode --quiet org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        -Dartifact="com.google.protobuf:protoc:$protobuf:exe:$platform" -DoutputDirectory="$PWD/$tools/java" \
        -Dmdep.stripVersion=true
    mv "$tools/java/protoc-$platform.exe" "$tools/java/protoc"
    chmod 755 "$tools/java/protoc"
    # gRPC's part is Debian's: Maven has it as a binary for few releases. What an older one writes runs on every newer gRPC.
    [ -x /usr/bin/grpc_java_plugin ] || install_java_plugin
}

install_java_plugin() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
        echo "install Debian's protobuf-compiler-grpc-java-plugin as /usr/bin/grpc_java_plugin" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends protobuf-compiler-grpc-java-plugin
}

install_typescript() {
    npm ci --prefix generated/typescript --ignore-scripts --no-audit --no-fund --loglevel=error
}

mkdir -p "$tools"
if has go; then once go generated/go/go.mod; fi
if has javac mvn; then once java generated/java/pom.xml; fi
if has node npm; then once typescript generated/typescript/package-lock.json; fi
if [ -n "$missing" ]; then
    echo "Install$missing, then run 'make languages-install' again" >&2
    exit 1
fi
