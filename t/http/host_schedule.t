#!/usr/bin/perl

# What the host runs by time: its tables, folders and timers as the files
# of this machine have them, and one more table that the test puts there.

use strict;
use warnings;

use Time::Local qw(timegm);

use lib 't/lib';
use Test::More;
use Test::Procmgr;

my $t = Test::Procmgr->new(plan => 24);
my $file = "/etc/cron.d/procmgr-test-$$";
my $spool = '/var/spool/cron/crontabs';
my $own = "$spool/procmgr-test-$$";
my @made;

END {
    if ($$ == $t->{owner}) {
        unlink $file, $own;
        rmdir for reverse @made;
    }
}

sub table {
    my ($text) = @_;
    open my $f, '>', $file or return 0;
    print $f $text;
    return close $f;
}

$t->run(interval => '50ms', policy => 'schedule roles=admin');
my $s = $t->login();

my $r = $s->get('/system/schedule');
is($r->{status}, 200, 'schedule');
is(ref $r->{json}, 'ARRAY', 'rows');
is_deeply([grep { join(' ', sort keys %$_) ne 'command enabled error input '
    . 'last line next schedule source timezone user' } @{ $r->{json} }], [],
    'of the same fields');

# every line with times in the tables that anybody may read

my %want;
for my $path (grep { -f && -r } '/etc/crontab',
    grep { m{/[\w-]+$} } glob('/etc/cron.d/*'))
{
    open my $f, '<', $path or next;
    while (<$f>) {
        $want{"$path:$."} = 1 if /^\s*(?:[\d*]|\@\w)/;
    }
}
is(join(' ', sort map { "$_->{source}:$_->{line}" }
    grep { $_->{line} && $_->{source} =~ m{^/etc/cron(?:tab|\.d/)} }
    @{ $r->{json} }), join(' ', sort keys %want), 'each line of the tables');

my %scripts = map { $_ => 1 } grep { -f && m{/[\w-]+$} }
    glob('/etc/cron.{hourly,daily,weekly,monthly}/*');
is(join(' ', sort map { $_->{command} }
    grep { $_->{source} =~ /^\/etc\/cron\.\w+ly$/ } @{ $r->{json} }),
    join(' ', sort keys %scripts), 'each script of the folders');

my @bad = grep { defined $_->{next}
    && $_->{next} !~ /^\d{4}-\d\d-\d\dT\d\d:\d\d:00\.000Z$/ }
    @{ $r->{json} };
is_deeply(\@bad, [], 'next runs are times, or null');

SKIP: {
    skip 'not root', 7 if $> != 0 || !-d '/etc/cron.d';

    table(<<'EOT') or skip 'no /etc/cron.d', 7;
# a comment
MAILTO=root

* * * * * root date +\%F%one
17 4 1 1 * nobody echo a
0 25 * * * root true
@reboot root true
0 0 30 2 * root never
EOT
    sleep 1;
    my @rows = grep { $_->{source} eq $file }
        @{ $s->get('/system/schedule')->{json} };

    is(join(' ', map { $_->{line} } @rows), '4 5 6 7 8', 'lines of a table');
    is("$rows[0]{command} $rows[0]{input}", 'date +\\%F one',
        'a command and its input');

    my @n = $rows[0]{next} =~ /(\d+)/g;
    my $next = timegm(@n[5, 4, 3, 2], $n[1] - 1, $n[0]);
    cmp_ok(abs($next - time - 30), '<=', 31, 'the next minute');

    is("$rows[2]{error} " . ($rows[2]{enabled} ? 1 : 0) . ' '
        . ($rows[2]{next} // 'null'), 'bad hour 0 null',
        'a broken line says why');
    is(($rows[3]{next} // 'null') . ' ' . ($rows[3]{enabled} ? 1 : 0),
        'null 1', 'at the start alone');
    like($rows[4]{error}, qr/never runs/, 'a day that there is not');

    # cron would not take it either

    chmod 0666, $file;
    sleep 1;
    @rows = grep { $_->{source} eq $file }
        @{ $s->get('/system/schedule')->{json} };
    like($rows[0]{error}, qr/others than root/, 'a table others may write');
}

# the tables of users: the worker may not read them, the helper does

SKIP: {
    skip 'not root', 10 if $> != 0;

    for my $d ('/var/spool/cron', $spool) {
        next if -d $d;
        mkdir $d or skip "no $d", 10;
        push @made, $d;
    }
    chmod 0700, $spool if @made;

    open my $f, '>', $own or skip "no $own", 10;
    print $f "CRON=x\n15 3 * * sun echo own\n";
    close $f;
    chmod 0600, $own;

    my $v = $t->login('viewer')->get('/system/schedule');
    like($v->{headers}{'x-procmgr-partial'} // '', qr/crontabs/,
        'who may not see tables of users is told so');
    is(scalar(grep { $_->{source} eq $own } @{ $v->{json} }), 0,
        'and sees none');

    $r = $s->get('/system/schedule');
    my ($row) = grep { $_->{source} eq $own } @{ $r->{json} };
    is("$row->{line} $row->{schedule} $row->{command} $row->{user}",
        "2 15 3 * * sun echo own procmgr-test-$$", 'who may sees them');
    like($row->{next}, qr/T\d\d:15:00\.000Z$/, 'with the next run');
    unlike($r->{headers}{'x-procmgr-partial'} // '', qr/crontabs/,
        'and nothing is missing');

    # what the helper reads others wrote: timers, a table that cannot be
    # read, records that are none

    fake("systemd timers\0" . '[{"next":1795221000123456,"last":0,'
            . '"unit":"a.timer"},{"unit":"../b.timer"},{"unit":7},[],null]',
        "systemd timers\0[{", "$spool/eve\0* * * * * ls\n", 'no zero byte',
        "$spool/tmp.x1\0* * * * * no\n", "$spool/\0* * * * * no\n",
        'x' x 600 . "\0* * * * * no\n", '');
    sleep 1;
    $r = $s->get('/system/schedule');
    is($r->{status}, 200, 'a helper that reads odd things');
    my @timers = grep { $_->{source} =~ /\.timer$/ && $_->{enabled} }
        @{ $r->{json} };
    is(join(' ', map { "$_->{source} $_->{command} $_->{next} "
        . ($_->{last} // 'null') } @timers),
        'a.timer a.service 2026-11-21T00:30:00.000Z null', 'a timer');
    is(join(' ', map { "$_->{user} $_->{command}" }
        grep { $_->{source} =~ m{^\Q$spool\E} } @{ $r->{json} }), 'eve ls',
        'a table');

    fake([13, "$spool/eve\0"], [2, "$spool/gone\0"]);
    sleep 1;
    $r = $s->get('/system/schedule');
    is(join(' ', map { "$_->{user} $_->{error}" }
        grep { $_->{source} =~ m{^\Q$spool\E} } @{ $r->{json} }),
        'eve cannot be read', 'one that cannot be read, one that is gone');
    like($r->{headers}{'x-procmgr-partial'} // '', qr/crontabs/,
        'then something is missing');
}

is($s->get('/system/schedule?all=true')->{status}, 400, 'nothing to choose');


# in the helper's place: records, each perhaps with an errno, and an end

sub fake {
    my $code = join '', map {
        my ($error, $text) = ref $_ ? @$_ : (0, $_);
        sprintf "put('R', %d, pack('H*', '%s'));\n", $error,
            unpack('H*', $text);
    } @_;

    $t->write('libexec/fake', <<'HEAD' . $code . <<'TAIL', 0755);
#!/usr/bin/perl
sub put {
    my ($type, $error, $text) = @_;
    syswrite SOCK, pack('CCSLlL', ord $type, 0, $error, length $text, 0, 0)
        . $text;
}
open SOCK, '+<&=', 0 or exit 0;
sysread SOCK, my $request, 8192;
HEAD
put('F', 0, "result=ok\n");
TAIL

    rename "$t->{dir}/libexec/fake", "$t->{dir}/libexec/procmgr-helper"
        or die;
}
