#!/usr/bin/perl

# A helper that ends early, says nothing, answers nonsense or promises bytes
# that never come: no worker waits for ever, dies or takes it for an answer.
# What is started gets one socket, no environment and no blocked signal.

use strict;
use warnings;

use lib 't/lib';
use Test::More;
use Time::HiRes qw(sleep time);
use Test::Procmgr;

my @LIES = (
    ['ends at once', 'exit 0'],
    ['half a head', q{put("F\0")}],
    ['unknown frame', q{put(frame('X', "result=ok\n"))}],
    ['half a final frame', q{put(substr(frame('F', "result=ok\n"), 0, 20))}],
    ['empty final frame', q{put(frame('F', ''))}],
    ['text without an end', q{put(frame('F', 'result=ok'))}],
    ['repeated key', q{put(frame('F', "result=ok\nresult=ok\n"))}],
    ['a final frame of 4 GB',
        q{put(pack('CCSLlL', ord 'F', 0, 0, 0xffffffff, 0, 0)); sleep 1}],
    ['output of negative length',
        q{put(pack('CCSLlL', ord 'F', 0, 0, 10, -1, 0) . "result=ok\n")}],
    ['output of another length',
        q{put(pack('CCSLlL', ord 'F', 0, 0, 10, 3, 0) . "result=ok\nabc")}],
    ['output above the limit',
        q{put(pack('CCSLlL', ord 'F', 0, 0, 10, 131073, 0) . 'x' x 131083)}],
    ['a record of 17 MB',
        q{put(pack('CCSLlL', ord 'R', 0, 0, 17 << 20, 1, 0)); sleep 1}],
    ['a record and no end', q{put(frame('R', 'x' x 100000))}],
);

my $t = Test::Procmgr->new(plan => 10 + 3 * @LIES)->run();
my $helper = "$t->{dir}/libexec/procmgr-helper";
my $s = $t->login('operator');

is($s->get('/control/services')->{status}, 200, 'with the real helper');

my ($worker) = $t->workers();

mkdir "$t->{dir}/fake" or die;
chmod 0777, "$t->{dir}/fake";

for my $lie (@LIES) {
    my ($name, $code) = @$lie;

    fake($code);
    my ($r, $took) = ask();

    is($r->{status}, 503, $name);
    cmp_ok($took, '<', 3, 'at once');
}

is(join(' ', $t->workers()), $worker, 'the same worker lives');

my @said = $t->error_log() =~ /\[error\].*procmgr helper:.*/g;
is(@said, 1, 'its trouble was said once');

# what it gets

fake(<<'EOC');
my $status = do { local (@ARGV, $/) = "/proc/$$/status"; <> };
my @fd = map { s{.*/}{}r . '=' . (readlink // '') } glob "/proc/$$/fd/*";
my ($blocked) = $status =~ /^SigBlk:\s*(\w+)/m;
my ($ignored) = $status =~ /^SigIgn:\s*(\w+)/m;
open my $f, '>', "$DIR/seen" or exit 0;
print $f join "\n", "env=" . join(',', sort keys %ENV), "fds=@fd",
    "blocked=$blocked", "ignored=$ignored", '';
EOC

ask();
ok($t->wait_for(sub { -s seen() }), 'a look from inside');

my $seen = do { local (@ARGV, $/) = seen(); <> };
like($seen, qr/^env=$/m, 'no environment');
like($seen, qr{^fds=0=socket:\S+ 1=/dev/null 2=/dev/null }m, 'one socket');
unlike($seen, qr/ (?:[3-9]|\d\d+)=(?:socket|pipe|anon_inode)/,
    'no connection, listener or event of the worker');
like($seen, qr/^blocked=0+$/m, 'no signal is blocked');

# perl ignores SIGFPE itself, the library two of its own; nginx these

my ($ignored) = $seen =~ /^ignored=\w*(\w{8})$/m;
is(hex($ignored // 'ffffffff') & 0x40001000, 0, 'SIGPIPE, SIGSYS not ignored');


sub seen { "$t->{dir}/fake/seen" }

# the last list may be answered for a while: until the fake has run

sub ask {
    my ($r, $took);

    $t->wait_for(sub {
        my $at = time;
        $r = $s->get('/control/services');
        $took = time - $at;
        return -e "$t->{dir}/fake/ran" && $r->{status} != 200;
    });
    ok(unlink("$t->{dir}/fake/ran"), 'it ran');

    return ($r, $took);
}

# the helper is run as the web user: the file has to be readable for it

sub fake {
    my ($code) = @_;
    unlink "$t->{dir}/fake/ran", seen();

    $t->write('libexec/fake', "#!/usr/bin/perl\nmy \$DIR = '$t->{dir}/fake';\n"
        . <<'HEAD' . "$code;\n", 0755);
use strict;
use warnings;

sub put { my $p = join '', @_; while (length $p) {
    my $n = syswrite(SOCK, $p) // exit 0; substr($p, 0, $n, '') } }
sub frame { my ($type, $text) = @_;
    pack('CCSLlL', ord $type, 0, 0, length $text, 0, 0) . $text }

open SOCK, '+<&=', 0 or exit 0;
sysread SOCK, my $head, 16;
sysread SOCK, my $request, 4096;
open my $ran, '>', "$DIR/ran";
HEAD

    rename "$t->{dir}/libexec/fake", $helper or die "$helper: $!";
}
