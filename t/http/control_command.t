#!/usr/bin/perl

# Commands of the policy: split as a shell quotes them and run by none, word
# for word those of the policy, logged whatever becomes of them.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 78);
my $d = "$t->{dir}/demo";
my $ran = "$d/run/ran";

$t->run(policy => <<EOF);
command words path=$d/words words "two words" enum(red,blue) int(1..10) user=root roles=operator,admin timeout=20s example="words 'two words' red 5"
command admins path=$d/words words admins user=root roles=admin
command plain path=$d/words plain user=nobody roles=operator,admin
command fails path=$d/fails fails user=nobody roles=operator,admin
command dies path=$d/dies dies user=nobody roles=operator,admin
command slow path=$d/slow slow user=nobody roles=operator,admin
command hangs path=$d/slow hangs user=nobody roles=operator,admin timeout=1s
command loud path=$d/loud loud user=nobody roles=operator,admin output=4k
command demo path=$d/words demo user=nobody roles=operator,admin
EOF
$t->write('demo/words', <<"EOT", 0755);
#!/usr/bin/perl
print join('|', \@ARGV), "\\n";
open my \$f, '>>', '$ran' or exit;
print \$f join('|', \@ARGV), "\\n";
EOT
$t->write('demo/fails', "#!/bin/sh\necho out\necho wrong >&2\nexit 3\n", 0755);
$t->write('demo/dies', "#!/bin/sh\nkill -KILL \$\$\n", 0755);
$t->write('demo/slow', "#!/bin/sh\nsleep 3\n", 0755);
$t->write('demo/loud', "#!/bin/sh\nyes | head -c 100000\n", 0755);
mkdir "$d/run";
chmod 0777, "$d/run";

my $s = $t->login('operator');

# the list, in the policy's order

my $list = $s->get('/control/commands')->{json};
my ($words) = grep { $_->{id} eq 'words' } @$list;
my @own = grep { /^(?:words|plain|fails|dies)$/ } map { $_->{id} } @$list;
is("@own", 'words plain fails dies', 'order');
is_deeply($words->{words}, ['words', 'two words', 'enum(red,blue)',
    'int(1..10)'], 'words');
is($words->{command}, 'words two words enum(red,blue) int(1..10)', 'command');
is($words->{example}, "words 'two words' red 5", 'example');
is_deeply($words->{roles}, ['operator', 'admin'], 'roles');
is($words->{timeout_s}, 20, 'timeout');
ok(!(grep { $_->{id} eq 'admins' } @$list), 'not those of other roles');
ok((grep { $_->{id} eq 'words' }
    @{ $s->get('/control/policy')->{json}{commands} }), 'in the policy too');

# one that runs

my $r = run(q{words "two words" red 5});
is(code($r), '200', 'it ran');
is($r->{json}{retStatus}, 'success', 'success');
is($r->{json}{logType}, 'command_run', 'type');
is($r->{json}{target}, q{words "two words" red 5}, 'the target as typed');
is($r->{json}{stdout}, "two words|red|5\n", 'its output');
is($r->{json}{cmdret}, $r->{json}{stdout}, 'cmdret');
is($r->{json}{exit_code}, 0, 'exit status');
is($r->{json}{usage}, undef, 'not measured');
is_deeply($r->{json}{request}{argv}, ['words', 'two words', 'red', '5'],
    'what was asked');
is_deeply($s->get("/log/$r->{json}{op_id}/series")->{json}, [],
    'no series of it');

is(code(run(q{words two\ words 'blue' 10})), '200', 'quoted otherwise');
is(ran(), 2, 'both ran');

# what is nearly it

for my $line ('words', q{words two words red 5}, q{words "two words" red},
    q{words "two words" green 5}, q{words "two words" red 0},
    q{words "two words" red 11}, q{words "two words" red 05},
    q{words "two words" red 5 6}, q{words "two words" red 5;id},
    q{words "two words" red $(id)}, q{words "two words" red ''},
    q{Words "two words" red 5}, q{/bin/sh -c id}, "$d/words x",
    q{words "two words" "enum(red,blue)" 5})
{
    $r = run($line);
    is(code($r), '403 unknown_command', $line =~ s/\Q$d\E//r);
    is($s->get("/log/$r->{json}{op_id}")->{json}{retStatus}, 'refused',
        'has a row');
}
is(code(run('words admins')), '403 role_too_low', 'of another role');
is(code($t->login('viewer')->post('/control/commands', { command => 'plain' })),
    '403 role_too_low', 'a viewer runs none');

# what cannot be split

$r = run(q{words "two words});
is(code($r), '400 bad_command', 'an open quote');
like($r->{json}{detail}, qr/quote is not closed at position 7/, 'where');
is($s->get("/log/$r->{json}{op_id}")->{json}{target}, q{words "two words},
    'and has a row');
is(code(run("plain\nid")), '400 bad_command', 'a newline');
is(code(run('  ')), '400 bad_command', 'no word');
is(code(run('x' x 1025)), '400 bad_command', 'too long');
is(code(run("plain\0")), '400 bad_json', 'a zero byte');
is($s->post('/control/commands', {})->{status}, 400, 'nothing');
is($s->post('/control/commands', { command => ['plain'] })->{status}, 400,
    'no text');
is($s->post('/control/commands', { command => 'plain', measure => 1 })
    ->{status}, 400, 'measure is true or false');
is(ran(), 2, 'none of them ran');

# how it can end

$r = run('fails');
is(code($r), '200 exit_status', 'a command that fails');
is("$r->{json}{exit_code} $r->{json}{cmdret}", "3 wrong\n",
    'with its status and its words');
$r = run('dies');
is(code($r), '200 killed', 'one that is killed');
is($r->{json}{signal}, 9, 'by which signal');
is(code(run('hangs')), '200 timeout', 'one that hangs');
$r = run('loud');
is(length $r->{json}{stdout}, 4096, 'output as long as the policy says');

# held by what it is

$r = run('slow', { Prefer => 'wait=0' });
is($r->{status}, 202, 'a long one');
is(code(run('slow')), '409 target_busy', 'is not run twice at once');
is(code(run('demo')), '200', 'a command and');
like(code($s->post('/control/services',
    { name => 'demo', action => 'start' })), qr/^200/,
    'a service of one name do not meet');

# root's commands need the password again

$t->psql('DELETE FROM procmgr.op_refused');
$t->psql("UPDATE procmgr.session SET auth_at = now() - interval '6 minutes'");
$s = $t->login('operator');
$t->psql("UPDATE procmgr.session SET auth_at = now() - interval '6 minutes'");
$t->nginx_stop();
$t->start();

$r = run(q{words "two words" red 1});
is(code($r), '403 reauth_required', 'root and an old password');
is($s->get("/log/$r->{json}{op_id}")->{json}{retStatus}, 'refused',
    'has a row');
is(code(run('plain')), '200', 'others do without');
is($s->post('/session/reauth', { password => $t->password('operator') })
    ->{status}, 204, 'given again');
is(code(run(q{words "two words" red 1})), '200', 'it runs');


sub run {
    my ($command, $headers) = @_;
    return $s->post('/control/commands', { command => $command }, $headers);
}

sub code { join ' ', grep { defined } $_[0]{status}, $_[0]{json}{code} }

sub ran { scalar(() = Test::Procmgr::read_path($ran) =~ /\n/g) }
