#!/usr/bin/perl

# Frames: mutated, unsealed, stale, replayed, too long, too short, too slow.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Digest::SHA qw(hmac_sha256_hex sha256_hex);
use Test::Helper qw(boot_ms uuid);
use Test::More;

my $h = Test::Helper->new();

$h->policy("service svc lsb $h->{dir}/svc actions=restart roles=admin\n"
	. "read fields=all roles=admin\n");
$h->script('svc', "[ \$1 = restart ] && echo x >> $h->{dir}/ran; exit 0\n");

my @act = (verb => 'service', name => 'svc', action => 'restart');

sub ran {
	open my $f, '<', "$h->{dir}/ran" or return 0;
	return scalar(() = <$f>);
}

sub send_text {
	my ($text, $payload) = @_;
	return Test::Helper::word(
		$h->exchange(Test::Helper::frame($text, $payload)));
}

sub seal {
	my ($text) = @_;
	return $text . 'mac=' . hmac_sha256_hex($text, $h->{key}) . "\n";
}

is(Test::Helper::word($h->ask(@act)), 'ok', 'a good one');
is(ran(), 1, 'was run');

# mutated

{
	my $good = $h->text(@act);
	my %got;

	for my $i (1 .. 150) {
		my $bad = $good;
		my $bit = int rand 8 * length $bad;
		vec($bad, $bit, 1) ^= 1;
		$got{send_text($bad)}++;
	}

	is_deeply(\%got, { 'refused bad_mac' => 150 }, '150 flipped bits');

	is(send_text(substr $good, 0, -1), 'refused bad_mac', 'cut');
	is(send_text($good . "x=1\n"), 'refused bad_mac', 'prolonged');
	is(send_text("x=1\n$good"), 'refused bad_mac', 'another front');
	is(send_text($good =~ s/mac=.*\n//r), 'refused bad_mac', 'no MAC');
	is(send_text($good =~ s/mac=.*\n/'mac=' . '0' x 64 . "\n"/er),
		'refused bad_mac', 'MAC of zeros');

	local $h->{key} = 'k' x 32;
	is(send_text($h->text(@act)), 'refused bad_mac', 'another key');
}

# heads

{
	my $t = $h->text(@act);

	for my $head (
		pack('CCSLlL', ord('R'), 0, 0, length $t, 0, 0),
		pack('CCSLlL', ord('Q'), 0, 0, 0, 0, 0),
		pack('CCSLlL', ord('Q'), 0, 0, 4097, 0, 0),
		pack('CCSLlL', ord('Q'), 0, 0, 0xffffffff, 0, 0),
		pack('CCSLlL', ord('Q'), 0, 0, length $t, -1, 0),
		pack('CCSLlL', ord('Q'), 0, 0, length $t, 17, 0),
		pack('CCSLlL', ord('Q'), 0, 0, length $t, 0x7ffffff0, 0))
	{
		is(Test::Helper::word($h->exchange($head . $t)), 'none 256',
			'head ' . unpack('H*', $head));
	}
}

# sealed, but not what it must be

is(send_text(seal("v=2\n")), 'refused bad_request', 'nearly nothing');

for my $c (
	[v => 2], [v => undef], [verb => 'reboot'], [verb => ''],
	[verb => undef], [op => undef], [op => 'x'], [op => '../../etc/passwd'],
	[op => uc uuid()], [op => uuid() . 'a'], [actor => undef],
	[role => undef], [role => 'root'], [role => 'Admin'], [name => undef],
	[action => undef], [payload_sha256 => sha256_hex('x')])
{
	my ($k, $v) = @$c;
	is(Test::Helper::word($h->ask(@act, $k => $v)), 'refused bad_request',
		"$k " . ($v // 'missing'));
}

is(send_text(seal($h->text(@act) =~ s/mac=.*\n//r . "name=svc\n")),
	'refused bad_request', 'a key twice');

is(Test::Helper::word($h->ask(verb => 'read',
	_pids => [[$$, 1]], payload_sha256 => sha256_hex('x'))),
	'refused bad_request', 'another payload');

is(send_text($h->text(@act), "\0" x 16), 'refused bad_request',
	'a payload that was not sealed');

# time

for my $t (0, 1, boot_ms() - 1, boot_ms() + 3_600_000, '-1', 'soon',
	'18446744073709551616')
{
	is(Test::Helper::word($h->ask(@act, expires => $t)), 'refused expired',
		"expires $t");
}

is(Test::Helper::word($h->ask(@act, expires => undef)), 'refused expired',
	'never');

# twice

{
	my $op = uuid();
	my $before = ran();

	is(Test::Helper::word($h->ask(@act, op => $op)), 'ok', 'first');
	is(Test::Helper::word($h->ask(@act, op => $op)), 'refused replayed',
		'second');
	is(ran(), $before + 1, 'run once');

	my $text = $h->text(@act);
	is(send_text($text), 'ok', 'the same bytes');
	is(send_text($text), 'refused replayed', 'again');
	is(ran(), $before + 2, 'run once');
}

# slow and silent ones

{
	my $t = time();
	my $r = $h->exchange(substr($h->frame_of(@act), 0, 20), _timeout => 20);
	is(Test::Helper::word($r), 'none 256', 'half a request');
	cmp_ok(time() - $t, '<', 15, 'is not waited for for ever');

	is(Test::Helper::word($h->exchange('', _timeout => 20)), 'none 256',
		'no request');
}

# the key

my $key = $h->{key};
my $before = ran();

for my $c (['' => 0600], [substr($key, 1) => 0600], ["$key\n" => 0600],
	['x' x 64 => 0600], [$key => 0640], [$key => 0604],
	['g' . '0' x 63 => 0600], ['0g' . '0' x 62 => 0600],
	['0' x 64 . 'x' => 0600], ["\0" . '0' x 63 => 0600])
{
	$h->write('helper.key', @$c);
	is(Test::Helper::word($h->ask(@act)), 'error key_unreadable',
		length($c->[0]) . sprintf ' bytes of key, mode %04o', $c->[1]);
}

unlink "$h->{dir}/helper.key";
is(Test::Helper::word($h->ask(@act)), 'error key_unreadable', 'no key');

symlink '/etc/hostname', "$h->{dir}/helper.key";
is(Test::Helper::word($h->ask(@act)), 'error key_unreadable', 'a link');

is(ran(), $before, 'nothing was run');

$h->write('helper.key', unpack('H*', $key) . "\n", 0600);
is(Test::Helper::word($h->ask(@act)), 'ok', '64 digits');
$h->write('helper.key', uc unpack('H*', $key), 0600);
is(Test::Helper::word($h->ask(@act)), 'ok', 'in capitals, no newline');

# words that are missing, or are no numbers

for my $c (['op without its dashes', op => '0' x 36],
	['a signal without a name', verb => 'signal', pid => 2, starttime => 1],
	['a second one that is none', verb => 'signal', signal => 'TERM',
		then => 'NONE', pid => 2, starttime => 1],
	['a tree of two', verb => 'signal', signal => 'TERM', tree => 2],
	['too long to wait', verb => 'signal', signal => 'TERM',
		wait_ms => 60001],
	['a CPU that is none', verb => 'priority', affinity => '99999'],
	['no words', verb => 'command'],
	['empty words', verb => 'command', argv => ''],
	['no service', verb => 'service', action => 'start'],
	['no action', verb => 'service', name => 'svc'])
{
	my ($what, %k) = @$c;
	is(Test::Helper::word($h->ask(%k)), 'refused bad_request', $what);
}

like($h->ask(verb => 'signal', signal => 'TERM', then => '', pid => 1,
	starttime => 1)->{final}{code}, qr/^protected$/, 'process 1');

$h->policy("nonsense\n");
my $status = $h->ask(verb => 'status');
is(Test::Helper::word($status), 'ok', 'status with a bad policy');
like($status->{final}{policy}, qr/line 1/, 'tells what is wrong with it');

is(scalar(grep { !-f || (stat)[2] & 077 } $h->spooled()), 0,
	'the spool is closed to others');

done_testing();
