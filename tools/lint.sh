#!/usr/bin/env bash
# Format, clang-tidy and shellcheck.
#
#     tools/lint.sh            check what differs from the last commit (clang-tidy; format is always checked everywhere)
#     tools/lint.sh --all      check everything
#     tools/lint.sh --format   rewrite all C++ files as .clang-format says
set -euo pipefail
cd "$(dirname "$0")/.."

mapfile -t sources < <(git ls-files --cached --others --exclude-standard '*.cc' '*.h')
if [[ "${1:-}" == --format ]]; then
  clang-format-19 -i "${sources[@]}"
  exit 0
fi

clang-format-19 --dry-run -Werror "${sources[@]}"
mapfile -t scripts < <(git ls-files --cached --others --exclude-standard '*.sh' .ci/run)
shellcheck "${scripts[@]}"

if [[ "${1:-}" == --all ]]; then
  mapfile -t checked < <(git ls-files '*.cc')
else
  mapfile -t checked < <({ git diff --name-only --diff-filter=d HEAD -- '*.cc'; git ls-files --others --exclude-standard '*.cc'; } | sort -u)
fi
(( ${#checked[@]} )) || { echo "lint: nothing to check with clang-tidy"; exit 0; }
[[ -f build/clang/build.ninja ]] || cmake --preset clang >/dev/null
# Only what that build compiles: fuzzers and benchmarks belong to other presets.
mapfile -t known < <(printf '%s\n' "${checked[@]}" | while read -r file; do
  grep -qF "/$file\"" build/clang/compile_commands.json && echo "$file"
done)
(( ${#known[@]} )) || exit 0
printf '%s\0' "${known[@]}" | xargs -0 -n 1 -P "${JOBS:-$(nproc)}" clang-tidy-19 -p build/clang --quiet --warnings-as-errors='*'
