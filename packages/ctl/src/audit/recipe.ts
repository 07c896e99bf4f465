/** VERIFY.md of an export: how to check it without Airlock. The script stands in docs/spec/export.md too, and a test runs it from there. */

/** POSIX shell with sha256sum, and openssl 3 or later. */
export const RECIPE = `set -eu
LC_ALL=C; export LC_ALL
KEYS=\${KEYS:-keys}
fail() { echo "FAILED: $1"; exit 1; }
signed() { # NAME KEY: NAME.sig must be the signature over NAME.signed
  openssl pkeyutl -verify -pubin -inkey "$KEYS/$2.pem" -rawin -in "$1.signed" -sigfile "$1.sig" >/dev/null 2>&1 ||
    fail "the signature over $1.signed"
}
bytes() { # 64 hexadecimal digits as 32 bytes
  printf "$(printf '\\\\%03o' $(printf '%s' "$1" | sed 's/../0x& /g'))"
}
digest() { sha256sum | cut -c 1-64; }
hex() { # TEXT WHAT: 64 hexadecimal digits, before anything is computed with them
  case $1 in *[!0-9a-f]*) fail "$2" ;; esac
  [ \${#1} = 64 ] || fail "$2"
}

signed SHA256SUMS export
[ "$(sed -n 1p SHA256SUMS.signed)" = airlock-export/v1 ] || fail "SHA256SUMS.signed is no signature of an export"
[ "$(sed -n 2p SHA256SUMS.signed)" = "$(digest <SHA256SUMS)" ] || fail "SHA256SUMS is not the one that was signed"
if grep -Evq '^[0-9a-f]{64}  [A-Za-z0-9./]+$' SHA256SUMS; then fail "SHA256SUMS has a line that no export has"; fi
sha256sum -c SHA256SUMS >/dev/null 2>&1 || fail "a file is missing or was changed: sha256sum -c SHA256SUMS"
for log in gateway totp; do
  if ! grep -q "  $log/" SHA256SUMS; then
    [ ! -e "$log" ] || fail "$log is there, and SHA256SUMS does not name it"
    continue
  fi
  for part in start chain lines.jsonl; do [ -f "$log/$part" ] || fail "$log/$part is missing"; done
  signed "$log/head" "$log"
  [ "$(sed -n 1p "$log/head.signed")" = "airlock-$log" ] || fail "$log/head.signed is a head of another log"
  size=$(sed -n 2p "$log/head.signed")
  want=$(sed -n 3p "$log/head.signed" | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \\n')
  read -r at hash <"$log/start" || fail "$log/start"
  case $at in 0 | [1-9]*) ;; *) fail "$log/start" ;; esac
  case $at in *[!0-9]*) fail "$log/start" ;; esac
  hex "$hash" "$log/start"
  tr -d '\\000' <"$log/lines.jsonl" | cmp -s - "$log/lines.jsonl" || fail "$log/lines.jsonl has bytes that no record has"
  exec 3<"$log/lines.jsonl"
  while read -r kind line_digest; do
    at=$((at + 1))
    hex "$line_digest" "$log: record $at has no digest"
    case $kind in
    line)
      IFS= read -r line <&3 || fail "$log: record $at is not in lines.jsonl"
      [ "$(printf '%s' "$line" | digest)" = "$line_digest" ] || fail "$log: record $at was changed"
      case $line in
      '{"seq":'"$at"',"'*',"prev":"'"$hash"'"}') ;;
      *) fail "$log: record $at does not stand where it was written" ;;
      esac
      ;;
    left-out) ;;
    *) fail "$log: record $at is neither a line nor left out" ;;
    esac
    hash=$({ bytes "$hash"; bytes "$line_digest"; } | digest)
  done <"$log/chain"
  if IFS= read -r line <&3 || [ -n "$line" ]; then fail "$log: lines.jsonl has lines that the chain does not have"; fi
  [ "$at" = "$size" ] || fail "$log: the chain ends at record $at, the signed head is of $size"
  [ "$hash" = "$want" ] || fail "$log: the chain does not lead to the signed head"
  echo "$log: $(grep -c '^line ' "$log/chain") records, up to the signed head of $size"
done
echo "GOOD: signed by $(sed -n 3p SHA256SUMS.signed) at $(sed -n 4p SHA256SUMS.signed)"
`;

/** The file VERIFY.md. */
export const VERIFY_MD = `# How to verify this export

It needs a POSIX shell, \`sha256sum\` and \`openssl\` 3 or later. In this directory:

1. The signatures say something only if the keys are yours. Compare \`keys/*.pem\` with those that the machine keeps in
   \`/etc/airlock/keys\`, or name a directory of keys you trust: \`KEYS=/etc/airlock/keys\`.
2. Take the script below from Airlock's own docs/spec/export.md rather than from here, if somebody else gave you these files.
3. Save it as \`verify.sh\` and run \`KEYS=keys sh verify.sh\`. It ends with a line \`GOOD\`, or with \`FAILED\`, what is wrong, and status 1.

What it proves: the lines in \`gateway/lines.jsonl\` and \`totp/lines.jsonl\` stood in the record, unchanged, at the places
their \`seq\` says, before the heads in \`head.note\` were signed. Of the records between only digests are here. What it does
not prove: that the selection leaves nothing out. Files that \`SHA256SUMS\` does not name prove nothing.

\`\`\`sh
${RECIPE}\`\`\`
`;
