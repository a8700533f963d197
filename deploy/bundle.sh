#!/usr/bin/env bash
# Makes the bundle from which a server without internet is installed: `make bundle`. Needs git, the registry's .venv and
# whatever pip is configured to fetch packages from. From the environment:
#   PYTHONS          the Pythons that it can be installed with (default: 3.11 3.12 3.13)
#   ARCH             x86_64 or aarch64 (default: this machine's)
#   PYTHON_ARCHIVE   a relocatable Python (tar.gz, one folder with bin/python3 in it) for systems whose own is older
#                    than 3.11; then only its version is packed
#   PACKAGES         a folder of the system's own packages (deploy/packages.sh makes one), for servers without nginx
#   SIGNING_KEY      a private key (PEM, EC or RSA) that signs the list of checksums; without one it is said
#   OUT              where to put it (default: var/bundle)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
PYTHONS=${PYTHONS:-3.11 3.12 3.13} ARCH=${ARCH:-$(uname -m)} OUT=${OUT:-var/bundle}
python=$PWD/.venv/bin/python
fail() {
  echo "$*" >&2
  exit 1
}
[[ $ARCH == x86_64 || $ARCH == aarch64 ]] || fail "ARCH=$ARCH: x86_64 or aarch64."
[[ -x $python ]] || fail "There is no .venv: run make install first."

# The day and the commit: versions sort by time. What is not committed is said in the name.
version=${VERSION:-$(git log -1 --format=%cd-%h --date=format:%Y.%m.%d --abbrev=8)}
if [[ -n $(git status --porcelain --untracked-files=no) ]]; then version+=-changed; fi
[[ $version =~ ^[A-Za-z0-9.+-]+$ ]] || fail "VERSION=$version: letters, digits, dots and dashes."

mkdir -p "$OUT"
OUT=$(cd "$OUT" && pwd)
stage=$(mktemp -d "$OUT/.making.XXXXXX")
trap 'rm -rf "$stage"' EXIT
bundle=$stage/registry-$version
mkdir -p "$bundle/wheels"

echo "1. The code of $version"
git ls-files -z -- partybuild registry templates static deploy docs manage.py gunicorn.conf.py requirements.txt README.md \
  | xargs -0 tar -cf - --exclude='docs/img' | tar -xf - -C "$bundle"
echo "$version" >"$bundle/VERSION"

echo "2. Static files"
only="only-while-the-static-files-are-collected-0123456789"
(cd "$bundle" && env -i PATH="$PATH" PYTHONDONTWRITEBYTECODE=1 SECRET_KEY=$only SEAL_KEY=$only DATABASE_URL=sqlite://:memory: \
  "$python" manage.py collectstatic --noinput --verbosity 0)

echo "3. Packages, by the hashes of requirements.txt"
if [[ -n ${PYTHON_ARCHIVE-} ]]; then
  [[ -r $PYTHON_ARCHIVE ]] || fail "PYTHON_ARCHIVE=$PYTHON_ARCHIVE cannot be read."
  mkdir "$bundle/python"
  cp "$PYTHON_ARCHIVE" "$bundle/python/"
  PYTHONS=$(tar -tf "$PYTHON_ARCHIVE" | sed -nE 's#^[^/]+/bin/python(3\.[0-9]+)$#\1#p' | head -n 1)
  [[ -n $PYTHONS ]] || fail "PYTHON_ARCHIVE=$PYTHON_ARCHIVE holds no FOLDER/bin/python3.x."
fi
platforms=()
for glibc in 2_28 2_27 2_26 2_24 2_17 2_12 2_5; do platforms+=(--platform "manylinux_${glibc}_$ARCH"); done
platforms+=(--platform "manylinux2014_$ARCH" --platform "linux_$ARCH")
fetch() {
  "$python" -m pip download --quiet --disable-pip-version-check --only-binary=:all: --require-hashes --no-deps \
    --implementation cp "${platforms[@]}" --dest "$bundle/wheels" "$@"
}
for each in $PYTHONS; do fetch --python-version "$each" -r requirements.txt; done
# pip itself, as requirements-tools.txt pins it: a bare system has none.
sed -n '/^pip==/,/[^\\]$/p' requirements-tools.txt >"$stage/pip.txt"
fetch --python-version "${PYTHONS%% *}" -r "$stage/pip.txt"

if [[ -n ${PACKAGES-} ]]; then
  echo "4. Packages of the system"
  mkdir "$bundle/packages"
  cp "$PACKAGES"/* "$bundle/packages/"
fi
printf 'pythons=%s\narch=%s\n' "$PYTHONS" "$ARCH" >"$bundle/BUNDLE"

echo "5. Checksums"
find "$bundle" -name __pycache__ -prune -exec rm -rf {} +
(cd "$bundle" && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum >"$stage/SHA256SUMS" && mv "$stage/SHA256SUMS" .)
if [[ -n ${SIGNING_KEY-} ]]; then
  openssl dgst -sha256 -sign "$SIGNING_KEY" -out "$bundle/SHA256SUMS.sig" "$bundle/SHA256SUMS"
  echo "   signed; the server checks it with: openssl pkey -in KEY -pubout -out signer.pem; install.sh --signer signer.pem"
else
  echo "   NOT signed: give SIGNING_KEY=, or hand over by another way what the next line says"
fi
echo "   SHA-256 of the list: $(sha256sum <"$bundle/SHA256SUMS" | cut -d' ' -f1)"

file=$OUT/registry-$version-$ARCH.tar.gz
tar -C "$stage" --owner=0 --group=0 --sort=name -czf "$stage/whole.tar.gz" "registry-$version"
mv "$stage/whole.tar.gz" "$file"
echo "Made $file ($(du -h "$file" | cut -f1)): $(wc -l <"$bundle/SHA256SUMS") files, Python $PYTHONS, $ARCH"
