#!/usr/bin/perl

# Whatever the caller is, has or leaves behind: words, descriptors, limits,
# signals, variables, folder.  What the helper executes gets none of it.

use warnings;
use strict;

use FindBin;
use lib "$FindBin::Bin/lib";

use Fcntl;
use POSIX ();
use Test::Helper;
use Test::More;

my $h = Test::Helper->new();

$h->policy("service probe lsb $h->{dir}/probe actions=restart roles=admin\n");
$h->script('probe', <<'END');
case $1 in
status) exit 0 ;;
restart)
    echo "umask $(umask)"
    echo "cwd $(pwd)"
    echo "nice $(nice)"
    env | sed 's/^/env /'
    tr '\0' ' ' < /proc/self/cmdline; echo
    ls /proc/self/fd | sed 's/^/fd /'
    ls -l /proc/self/fd/ | sed -n 's/.* \([0-9]*\) -> /link \1 /p'
    sed -n 's/^\(Sig[BI].*\|NoNew.*\|Uid.*\|Gid.*\|Groups.*\|CapInh.*\|CapAmb.*\):/status \1/p' /proc/self/status
    sed -n 's/^Max /limit /p' /proc/self/limits
    ;;
esac
END

my @words = (verb => 'service', name => 'probe', action => 'restart');

sub act {
	my (%o) = @_;
	return $h->ask(@words, %o);
}

# who, and with which words

is(Test::Helper::word(act()), 'ok', 'as it should be');

is(act()->{status}, 0, 'exits 0 at once');

for my $argv (['x'], [''], ['procmgr-helper', ''], ['procmgr-helper', '-v'],
	['procmgr-helperx'], ['procmgr-helper', ('x') x 100000], ["\xff"])
{
	my $r = act(_argv => $argv);
	is(Test::Helper::word($r), 'none 256', 'argv of ' . @$argv . ' words, '
		. substr($argv->[0], 0, 20));
}

is(Test::Helper::word(act(_uid => 65534, _gid => 65534)), 'none ' . (113 << 8),
	'nobody may not even start it');

is(Test::Helper::word(act(_uid => 65534)), 'refused bad_caller',
	'another user of the group is refused');

is(Test::Helper::word(act(_uid => 0, _gid => 0)), 'refused bad_caller',
	'root is refused too');

{
	my $copy = $h->write('copy', '', 0755);
	system('cp', $h->{helper}, $copy);
	chmod 0755, $copy;
	my $r = $h->ask(_path => $copy);
	is(Test::Helper::word($r), 'error not_setuid', 'not setuid is said');
	is($r->{final}{setuid}, 0, 'and told apart');

	system('cp', $h->{helper}, $copy);
	chmod 04755, $copy;
	$r = act(_path => $copy, _child => sub {
		syscall(157, 38, 1, 0, 0, 0);     # PR_SET_NO_NEW_PRIVS
	});
	is(Test::Helper::word($r), 'error not_setuid', 'no_new_privs is seen');
	unlink $copy;
}

# descriptors

for my $set (0 .. 7) {
	my @closed = grep { $set & 1 << $_ } 0 .. 2;
	my $r = act(_child => sub { POSIX::close($_) for @closed; });

	if ($set & 1) {
		is(Test::Helper::word($r), 'none 256', "closed: @closed");

	} else {
		is(Test::Helper::word($r), 'ok', "closed: @closed");
		like($r->{stdout}, qr!^link 0 /dev/null$!m, 'stdin is null');
	}
}

{
	my $r = act(_child => sub {
		for (1 .. 200) {
			my $fd = POSIX::open('/etc/passwd', POSIX::O_RDONLY());
			fcntl_clear($fd);
		}
	});

	is(Test::Helper::word($r), 'ok', '200 inherited descriptors');
	is(join(' ', sort { $a <=> $b } $r->{stdout} =~ /^fd (\d+)$/mg),
		'0 1 2 3', 'none of them arrives (3 is the folder listed)');
	unlike($r->{stdout}, qr/passwd/, 'by no number');
	unlike($r->{stdout}, qr/socket:/, 'nor the socket');
}

# Perl marks descriptors above 2 as close-on-exec

sub fcntl_clear {
	my ($fd) = @_;
	open my $f, '<&=', $fd or return;
	fcntl($f, F_SETFD, 0);
	our @keep;
	push @keep, $f;
}

# variables

{
	my $r = act(_child => sub {
		%ENV = (
			LD_PRELOAD => '/tmp/evil.so', LD_LIBRARY_PATH => '/tmp',
			LD_AUDIT => '/tmp/evil.so', PATH => '/tmp/evil',
			IFS => '/', BASH_ENV => '/tmp/evil', ENV => '/tmp/evil',
			GCONV_PATH => '/tmp', TZ => ':/etc/shadow', PS4 => '$(id)',
			'BASH_FUNC_test%%' => '() { id; }', PERL5LIB => '/tmp',
			LOCPATH => '/tmp', MALLOC_TRACE => '/tmp/x', HOME => '/tmp',
			SHELLOPTS => 'xtrace', CDPATH => '/tmp', X => "a\nb",
			LARGE => 'x' x 100000,
		);
	});

	is(Test::Helper::word($r), 'ok', 'hostile variables');

	my @env = sort grep { !/^(PWD|_|OLDPWD|SHLVL)=/ }
		$r->{stdout} =~ /^env (.*)$/mg;
	is_deeply(\@env, ['HOME=/', 'LANG=C.UTF-8',
		'PATH=/usr/sbin:/usr/bin:/sbin:/bin'], 'three fixed ones instead');
}

# limits: 7 NOFILE, 1 FSIZE, 9 AS, 6 NPROC, 3 STACK, 4 CORE, 0 CPU

my %limit = (7 => 3, 1 => 0, 9 => 8 << 20, 6 => 0, 3 => 65536, 0 => 1);
my %name = (7 => 'NOFILE', 1 => 'FSIZE', 9 => 'AS', 6 => 'NPROC',
	3 => 'STACK', 0 => 'CPU');

for my $soft (1, 0) {
	for my $k (sort keys %limit) {
		my $r = act(_child => sub {
			my $rl = pack 'QQ', $limit{$k}, $soft ? ~0 : $limit{$k};
			if ($soft) {
				my $now = pack 'QQ', 0, 0;
				syscall(97, $k, $now);
				$rl = pack 'QQ', $limit{$k}, (unpack 'QQ', $now)[1];
			}
			syscall(160, $k, $rl);
		});

		my $word = Test::Helper::word($r);

		if ($soft) {
			is($word, 'ok', "soft limit $name{$k}=$limit{$k}");

		} else {

			# without CAP_SYS_RESOURCE root cannot raise it: no harm then

			like($word, qr/^(ok|none|error|failed|refused not_exec)/,
				"hard limit $name{$k}=$limit{$k}: $word");
		}
	}
}

{
	my $r = act();
	like($r->{stdout}, qr/^limit open files\s+1024 /m, 'descriptors');
	like($r->{stdout}, qr/^limit file size\s+unlimited/m, 'size of files');
	like($r->{stdout}, qr/^limit core file size\s+0 /m, 'no cores');
}

# signals, folder, mask, niceness

{
	my $dir = "$h->{dir}/gone";
	mkdir $dir;
	chmod 0777, $dir;

	my $r = act(_child => sub {
		my $all = POSIX::SigSet->new();
		$all->fillset();
		POSIX::sigprocmask(POSIX::SIG_BLOCK(), $all);
		$SIG{$_} = 'IGNORE' for grep { !/^(KILL|STOP|NUM|RT|__)/ }
			keys %SIG;
		alarm 1;
		chdir $dir;
		rmdir $dir;
		umask 0777;
		POSIX::nice(7);
	}, _root => sub { });

	is(Test::Helper::word($r), 'ok',
		'blocked and ignored signals, deleted folder, mask, niceness');
	like($r->{stdout}, qr/^status SigBlk\s+0+$/m, 'nothing is blocked');
	like($r->{stdout}, qr/^status SigIgn\s+0+$/m, 'nothing is ignored');
	like($r->{stdout}, qr!^cwd /$!m, 'the folder is /');
	like($r->{stdout}, qr/^umask 0022$/m, 'the mask is 022');
	like($r->{stdout}, qr/^nice 0$/m, 'the niceness is 0');
	like($r->{stdout}, qr/^status Uid\s+0\s+0\s+0\s+0$/m, 'root in all');
	like($r->{stdout}, qr/^status Gid\s+0\s+0\s+0\s+0$/m, 'of its group');
	like($r->{stdout}, qr/^status Groups\s*$/m, 'and no other');
	like($r->{stdout}, qr/^status Cap(Inh|Amb)\s+0+$/m,
		'no capability to inherit');
}

# the worker's death: the action goes on, nobody waits for it

{
	$h->script('probe', "case \$1 in status) ;; restart) sleep 0.5; "
		. "touch $h->{dir}/done ;; esac");
	my $r = act(_timeout => 0.1);
	is(Test::Helper::word($r), 'timeout', 'nobody waits');
	for (1 .. 40) {
		last if -e "$h->{dir}/done";
		select undef, undef, undef, 0.1;
	}
	ok(-e "$h->{dir}/done", 'the action was completed all the same');
}

done_testing();
