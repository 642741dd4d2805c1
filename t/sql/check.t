#!/usr/bin/perl

# procmgrctl check and policy check: what they look at and what they exit
# with.

use strict;
use warnings;

use Test::More;

use FindBin;
use lib "$FindBin::Bin/../lib";

use Test::ProcmgrDb;

plan(skip_all => 'only root can own what is checked') if $> != 0;

my $db = Test::ProcmgrDb->new;
my $dir = "$db->{dir}/check";
my ($out, $err, $rc);

mkdir $dir;

my $policy = write_file('policy.conf', 0644, <<'EOP');
service web systemd nginx.service actions=start,restart,status roles=operator,admin timeout=30
service web systemd nginx.service actions=stop roles=admin timeout=30
command uptime path=/usr/bin/uptime uptime -p user=nobody roles=viewer,operator timeout=5
signal uid=1000..1999,3000 sigs=TERM,HUP roles=operator
signal uid=1000 sigs=KILL roles=admin
priority uid=1000 nice=0..19 ionice=idle roles=operator
priority uid=2000 affinity=on roles=operator
protect pid=4711 unit=ssh.service
EOP

# policy check

for (['restart', 'web', 0, "permit line 1 roles operator,admin\n"],
     ['stop', 'web', 0, "permit line 2 roles admin\n"],
     ['reload', 'web', 6, "deny the action is not in its list\n"],
     ['start', 'mail', 6, "deny no line names it\n"],
     ['start', 'WEB', 6, "deny no line names it\n"],
     ['command', 'uptime -p', 0, "permit line 3 roles viewer,operator\n"],
     ['command', 'uptime "-p"', 0, "permit line 3 roles viewer,operator\n"],
     ['command', 'uptime -p; id', 6, "deny no line names it\n"],
     ['command', 'uptime "-p', 6, "deny no line names it\n"],
     ['command', '', 6, "deny no line names it\n"],
     ['signal', 'uid=1000 sigs=TERM', 0, "permit line 4 roles operator\n"],
     ['signal', 'sigs=HUP uid=3000', 0, "permit line 4 roles operator\n"],
     ['signal', 'uid=1000 sigs=KILL', 0, "permit line 5 roles admin\n"],
     ['signal', 'uid=1001 sigs=KILL', 6, "deny no line names it\n"],
     ['signal', 'uid=2000 sigs=TERM', 6, "deny no line names it\n"],
     ['signal', 'uid=1000 sigs=TERM pid=4711', 6, "deny no line names it\n"],
     ['signal', 'uid=1000 sigs=TERM pid=4712', 0,
      "permit line 4 roles operator\n"],
     ['signal', 'uid=1000 sigs=TERM unit=ssh.service', 6,
      "deny no line names it\n"],
     ['signal', 'uid=1000 sigs=TERM,HUP', 6, "deny no line names it\n"],
     ['signal', 'uid=1000..1001 sigs=TERM', 6, "deny no line names it\n"],
     ['signal', 'uid=1000', 6, "deny no line names it\n"],
     ['signal', 'sigs=TERM', 6, "deny no line names it\n"],
     ['signal', 'uid=1000 nice=5', 6, "deny no line names it\n"],
     ['signal', 'nonsense', 6, "deny no line names it\n"],
     ['priority', 'uid=1000 nice=5', 0, "permit line 6 roles operator\n"],
     ['priority', 'uid=1000 nice=0 ionice=idle', 0,
      "permit line 6 roles operator\n"],
     ['priority', 'uid=1000 nice=-1', 6, "deny no line names it\n"],
     ['priority', 'uid=1000 nice=5 affinity=on', 6,
      "deny no line names it\n"],
     ['priority', 'uid=2000 affinity=on', 0, "permit line 7 roles operator\n"],
     ['priority', 'uid=2000', 6, "deny no line names it\n"],
     ['priority', 'uid=1000 sigs=TERM', 6, "deny no line names it\n"])
{
    my ($action, $target, $code, $said) = @$_;
    ($out, $err, $rc) = $db->ctl('policy', 'check', $policy, $action, $target);
    is("$rc $out$err", "$code $said", "policy: $action $target");
}

($out, $err, $rc) = $db->ctl('policy', 'check', $policy, 'stop', 'web',
    '--role', 'operator');
is($rc, 6, 'of one role, which may not');
($out) = $db->ctl('policy', 'check', $policy, 'stop', 'web', '--json');
is_deeply(JSON::PP->new->decode($out),
    { permit => JSON::PP::true, line => 2, roles => ['admin'] }, 'as JSON');

for (['jump', 'web'], ['start', 'web', '--role', 'root'], ['start']) {
    ($out, $err, $rc) = $db->ctl('policy', 'check', $policy, @$_);
    is($rc, 2, "usage: @$_");
}

my $bad = write_file('bad.conf', 0644, "service web systemd\n");
($out, $err, $rc) = $db->ctl('policy', 'check', $bad, 'start', 'web');
is($rc, 1, 'a policy that is wrong');
like($err, qr/line 1/, 'its line is named');
my $open = write_file('open.conf', 0666, 'service web systemd nginx.service '
    . "actions=start roles=admin timeout=30\n");
($out, $err, $rc) = $db->ctl('policy', 'check', $open, 'start', 'web');
is($rc, 1, 'a policy that anybody may write');

# check

$db->instance('prepare');
my $helper = "$db->{dir}/libexec/procmgr-helper";
my $key = "$db->{dir}/etc/helper.key";
my $dumb = write_file('dumb', 04750, "#!/bin/sh\n");
chown 0, (stat $helper)[5], $dumb;
chmod 04750, $dumb;
my $root = write_file('root', 04750, "#!/bin/sh\n");
my $other = write_file('key', 0600, 'a' x 64);
my $nginx = write_file('nginx', 0755, "#!/bin/sh\n"
    . "echo \"\$@\" >$dir/args\n[ \"\$4\" != $dir/bad ]\n");
my @good = ('--helper', $helper, '--key', $key, '--policy', $policy, '--nginx', $nginx);

($out, $err, $rc) = $db->ctl('check', @good);
is("$rc $out$err", "0 ok\tdatabase\nok\thelper\nok\tpolicy\nok\tnginx\n",
    'all is well');
($out, $err, $rc) = $db->ctl('check', @good, '--config', "$dir/good");
open my $f, '<', "$dir/args" or die;
is(<$f>, "-t -q -c $dir/good\n", 'nginx tests its configuration');

for (['policy', '--policy', $bad, qr/line 1/],
     ['policy', '--policy', "$dir/none", qr/\S/],
     ['nginx', '--config', "$dir/bad", qr/refuses/],
     ['nginx', '--nginx', "$dir/none", qr/cannot be started/],
     ['helper', '--helper', "$dir/none", qr/No such file/],
     ['helper', '--helper', $nginx, qr/mode is not 4750/],
     ['helper', '--helper', $dir, qr/no regular file/],
     ['helper', '--helper', $dumb, qr/gives no answer/],
     ['helper', '--helper', $root, qr/who may run it/],
     ['helper', '--key', $other, qr/mac/],
     ['helper', '--key', "$dir/none", qr/key cannot be read/])
{
    my ($what, $opt, $value, $like) = @$_;
    ($out, $err, $rc) = $db->ctl('check', @good, $opt, $value);
    is($rc, 6, "$what: $opt $value");
    like($out, qr/^bad\t$what\t.*$like/m, 'is named');
    is(() = $out =~ /^ok/mg, 3, 'the others are well');
}

($out, $err, $rc) = $db->ctl({ conninfo => 'host=/nonexistent' }, 'check',
    @good, '--json');
is($rc, 6, 'no database');
my @said = @{ JSON::PP->new->decode($out) };
is_deeply([map { $_->{what} } grep { !$_->{ok} } @said], ['database'],
    'as JSON');

($out, $err, $rc) = $db->ctl({ conninfo => $db->conninfo(db => 'postgres') },
    'check', @good);
like($out, qr/^bad\tdatabase\t.*migrate/m, 'no schema');

done_testing();


sub write_file {
    my ($name, $mode, $text) = @_;
    open my $f, '>', "$dir/$name" or die;
    print $f $text;
    close $f;
    chmod $mode, "$dir/$name";
    return "$dir/$name";
}
