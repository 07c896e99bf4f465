/** A weakened machine: careless processes, open terminals, engines that anybody may use, swap and dumps. */
import type { Rule } from './weakened.js';

export const MACHINE: readonly Rule[] = [
  [/^machine: a secret in the command line of anybody$/, (_, { operator }) => ({ apply: `careless ${operator}` })],
  [/^machine: the environment of anybody$/, () => ({ apply: 'capable bash' })],
  [/^machine: a core dump of anybody$/, () => ({ apply: 'make /var/lib/systemd/coredump/core.node.999.1 0644 root' })],
  [
    /^machine: an area of swap$/,
    () => ({
      apply: `make /var/tmp/weak.swap 0644 root; cover /proc/swaps 0444 $'Filename Type\\n/var/tmp/weak.swap file 1 0 -2'`,
    }),
  ],
  [/^machine: (\S+) may be swapped$/, ([, unit]) => ({ apply: `drop_in ${unit} MemorySwapMax=1G` })],
  [/^machine: (\S+) may leave a core file$/, ([, unit]) => ({ apply: `drop_in ${unit} LimitCORE=infinity` })],
  [
    /^machine: a terminal of (\S+) is \w+$/,
    ([, user]) => ({ apply: `terminal ${user}; for p in $(find /dev/pts -user ${user}); do loosen $p o+rw; done` }),
  ],
  [
    /^machine: type into tmux or screen of (\S+)$/,
    ([, user]) => ({ apply: `terminal ${user}; s=/tmp/tmux-$(id -u ${user}); loosen $s/weak o+rw; loosen $s o+rx` }),
  ],
  [/^machine: use the ssh-agent of (\S+)$/, ([, user]) => ({ apply: `make /tmp/ssh-weak/agent.1 0666 ${user}` })],
  [/^machine: connect the session bus of (\S+)$/, ([, user]) => ({ apply: `listen "/run/user/$(id -u ${user})/bus"` })],
  [/^machine: read the keyboard$/, () => ({ apply: 'make /dev/input/event0 0644 root' })],
  [/^machine: connect (\/\S+)$/, ([, path]) => ({ apply: `listen ${path}` })],
  [/^machine: an abstract socket of Airlock$/, () => ({ apply: 'listen @airlock-debug' })],
  [/^machine: a port that a daemon listens on$/, () => ({ apply: 'listen 40123' })],
  [/^machine: capture packets$/, () => ({ apply: 'capable perl' })],
  // No container may be given the clock, which is the host's: another program stands in for perl.
  [/^machine: set the clock$/, () => ({ apply: "cover /usr/bin/perl 0755 '#!/bin/true'" })],
];
