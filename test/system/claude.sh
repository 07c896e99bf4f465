#!/bin/bash
# Stands in for Claude Code: keeps what `claude mcp add NAME -- COMMAND…` was told, and says what the real one says.
set -euo pipefail
[ "${1:-} ${2:-} ${4:-}" = "mcp add --" ] || { echo "usage: claude mcp add NAME -- COMMAND..." >&2; exit 1; }
name=$3
shift 4
printf '%s\n' "$@" >"$HOME/.claude-mcp-$name"
echo "Added stdio MCP server $name with command: $* to local config"
