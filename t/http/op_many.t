#!/usr/bin/perl

# Two hundred actions on two hundred services at once, four at a time: each
# is done once, logged, and none is lost; who only looks is not held up.

use strict;
use warnings;

use lib 't/lib';
use JSON::PP;
use Test::More;
use Test::Procmgr;
use Time::HiRes qw(sleep time);

use constant { MANY => 200, CLIENTS => 20, MOST => 4 };

my $t = Test::Procmgr->new(plan => 13);
my $d = "$t->{dir}/demo";

$t->run(workers => 2, helper_max => MOST, policy => join "\n", map {
    "service many$_ lsb $d/many$_ actions=restart roles=operator timeout=60s"
} 1 .. MANY);

# each tells who it is, and how many run beside it

$t->write('demo/many', <<"EOT", 0755);
#!/bin/sh
[ "\$1" = status ] && exit 0
name=`basename \$0`
mkdir $d/beside/\$name
ls $d/beside | wc -l >> $d/most
echo \$name >> $d/ran
sleep 0.05
rmdir $d/beside/\$name
EOT
my $script = $t->read_file('demo/many');
$t->write("demo/many$_", $script, 0755) for 1 .. MANY;
mkdir "$d/beside";

my $s = $t->login('operator');
my @ids;

# from many connections, at one moment

my @pipe = map {
    my $from = $_;
    my $pid = open(my $p, '-|') // die "fork: $!";

    if (!$pid) {
        for (my $n = $from; $n <= MANY; $n += CLIENTS) {
            my $r = $s->post('/control/services',
                { name => "many$n", action => 'restart' },
                { Prefer => 'wait=0' });
            print "$r->{status} ", $r->{json}{op_id} // '-', "\n";
        }
        close STDOUT;
        require POSIX;
        POSIX::_exit(0);
    }
    $p;
} 1 .. CLIENTS;

# meanwhile another looks, and is answered

my ($looks, $bad) = (0, 0);
my %status;

for my $p (@pipe) {
    while (my $line = <$p>) {
        my ($status, $id) = split ' ', $line;
        $status{$status}++;
        push @ids, $id;

        if (@ids % 10 == 0) {
            $looks++;
            $bad++ if $s->get('/system/summary')->{status} != 200;
        }
    }
    close $p;
}

is_deeply(\%status, { 202 => MANY }, 'all are accepted');
is(scalar(keys %{{ map { $_ => 1 } @ids }}), MANY, 'each with its own name');
is("$looks $bad", MANY / 10 . ' 0', 'who looks is answered meanwhile');

ok($t->wait_for(sub {
    sleep 0.3;
    $t->psql("SELECT count(*) FROM procmgr.op_active") eq '0';
}, 300), 'all come to their end');

is($t->psql("SELECT count(*) FROM procmgr.op JOIN procmgr.op_state "
    . "USING (seq) WHERE type = 'service_restart' AND status = 'success'"),
    MANY, 'a row of each, and a success');
is($t->psql("SELECT count(DISTINCT target) FROM procmgr.op "
    . "WHERE type = 'service_restart'"), MANY, 'of each service');
is($t->psql("SELECT count(*) FROM procmgr.op_event e JOIN procmgr.op o "
    . "ON o.seq = e.op WHERE o.type = 'service_restart'"), 2 * MANY,
    'an intent and an outcome of each');

my %ids = map { $_ => 1 } split /\n/, $t->psql("SELECT op_id "
    . "FROM procmgr.op WHERE type = 'service_restart'");
is(scalar(grep { !$ids{$_} } @ids), 0, 'none that was acknowledged is lost');

my @ran = split /\n/, $t->read_file('demo/ran');
is(scalar @ran, MANY, 'as many ran');
is(scalar(keys %{{ map { $_ => 1 } @ran }}), MANY, 'each once');
my ($most) = sort { $b <=> $a } split ' ', $t->read_file('demo/most');
cmp_ok($most, '<=', MOST, 'no more than four at a time');
cmp_ok($most, '>', 1, 'and more than one');
is($t->login('admin')->get('/log/verify')->{json}{ok}, JSON::PP::true,
    'the chain');
