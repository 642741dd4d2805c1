package Test::Helper;

# A helper of its own: compiled for a folder below /var/lib, installed setuid
# as a package would, and spoken to as nginx's worker does.
#
#   my $h = Test::Helper->new(policy => "service ...\n");
#   my $r = $h->ask(verb => 'service', name => 'demo', action => 'start');
#   $r->{final}{result} $r->{records} $r->{stdout} $r->{stderr} $r->{status}

use warnings;
use strict;

use Cwd qw(abs_path);
use Digest::SHA qw(hmac_sha256_hex sha256_hex);
use Exporter qw(import);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use IO::Select;
use POSIX ();
use Socket;
use Test::More;
use Time::HiRes qw(clock_gettime);

our @EXPORT_OK = qw(boot_ms uuid escape unescape start_time %FIELD);

our %FIELD;
@FIELD{qw(fd files nfiles exe cwd environ io cmdline maps smaps
    smaps_rollup netns)} = (0 .. 11);

my $top = abs_path(dirname(__FILE__) . '/../../../..');


sub new {
	my ($class, %o) = @_;

	my $self = bless {
		%o, key => join('', map { chr(int(rand(256))) } 1 .. 32),
		pid => $$,
	}, $class;

	if ($o{unprivileged}) {
		$self->{uid} = getpwnam('nobody') // 65534;
		$self->{gid} = (getpwuid($self->{uid}))[3];

	} else {
		plan(skip_all => 'must be root') if $> != 0;

		$self->{uid} = getpwnam('www-data');
		plan(skip_all => 'no user www-data') unless $self->{uid};
		$self->{gid} = (getpwuid($self->{uid}))[3];
	}

	if ($> != 0) {
		$self->{uid} = $<;
		$self->{gid} = $( + 0;
	}

	my $base = $> == 0 ? '/var/lib' : "$top/build";
	mkdir $base;
	$self->{dir} = tempdir('procmgr-test.XXXXXX', DIR => $base);
	chmod 0755, $self->{dir};
	mkdir "$self->{dir}/spool", 0700;

	$self->write('helper.key', $self->{key}, 0600);
	$self->policy($o{policy} // '');
	$self->build();

	return $self;
}


sub DESTROY {
	my ($self) = @_;

	remove_tree($self->{dir}) if $self->{dir} && $self->{pid} == $$;
}


sub build {
	my ($self) = @_;

	my $un = $self->{unprivileged} ? 1 : 0;
	my $out = "$self->{dir}/procmgr-helper";
	my $build = $ENV{BUILD_DIR} // "$top/build/release";
	my $kind = $ENV{BUILD} // 'release';

	# two tests at once must not write the same objects
	mkdir "$top/build";
	open my $lock, '>', "$top/build/helper.lock" or die "lock: $!";
	flock $lock, 2;

	my $log = `make -s -C $top BUILD=$kind BUILD_DIR=$build helper-into \\
		CONFDIR=$self->{dir} SPOOLDIR=$self->{dir}/spool \\
		WEB_UID=$self->{uid} UNPRIVILEGED=$un OUT=$out 2>&1`;
	die "the helper was not built:\n$log" if $?;

	$self->own() if $un;

	unless ($un) {
		chown 0, $self->{gid}, $out;
		chmod 04750, $out;
	}

	$self->{helper} = $out;
}


# everything belongs to the user that an unprivileged helper serves

sub own {
	my ($self) = @_;

	return if $> != 0;

	chown $self->{uid}, $self->{gid}, $self->{dir},
		glob("$self->{dir}/*");
}


sub write {
	my ($self, $name, $text, $mode) = @_;

	my $path = $name =~ m!^/! ? $name : "$self->{dir}/$name";

	unlink $path;
	open my $f, '>:raw', $path or die "open $path: $!";
	print $f $text;
	close $f;
	chmod $mode // 0644, $path;
	chown $self->{uid}, $self->{gid}, $path
		if $self->{unprivileged} && $> == 0;

	return $path;
}


sub policy {
	my ($self, $text) = @_;
	$self->write('policy.conf', $text, 0644);
}


# an LSB script with a body of one's own

sub script {
	my ($self, $name, $body) = @_;
	return $self->write($name, "#!/bin/sh\n$body", 0755);
}


sub boot_ms {
	return int(clock_gettime(7) * 1000);
}


sub uuid {
	# not rand(): a child would go on with its parent's numbers
	open my $f, '<:raw', '/dev/urandom' or die "urandom: $!";
	read $f, my $b, 16;
	return sprintf '%04x%04x-%04x-%04x-%04x-%04x%04x%04x', unpack 'S8', $b;
}


sub escape {
	my ($s) = @_;
	$s =~ s/([%\x00-\x1f\x7f])/sprintf('%%%02X', ord($1))/ge;
	return $s;
}


sub unescape {
	my ($s) = @_;
	$s =~ s/%([0-9A-F]{2})/chr(hex($1))/ge;
	return $s;
}


sub start_time {
	my ($pid) = @_;
	open my $f, '<', "/proc/$pid/stat" or return 0;
	my $s = do { local $/; <$f> };
	$s =~ s/^.*\) //s;
	return (split / /, $s)[19];
}


# the sealed text of a request

sub text {
	my ($self, %k) = @_;

	my %all = (
		v => 1, verb => 'status', op => uuid(), actor => 'test',
		role => 'admin', expires => boot_ms() + 60000, %k
	);

	my $text = join '', map { "$_=" . escape($all{$_}) . "\n" }
		grep { defined $all{$_} }
		sort { ($a eq 'v' ? 0 : 1) <=> ($b eq 'v' ? 0 : 1) || $a cmp $b }
		keys %all;

	return $text . 'mac=' . hmac_sha256_hex($text, $self->{key}) . "\n";
}


sub frame {
	my ($text, $payload) = @_;
	$payload //= '';
	return pack('CCSLlL', ord('Q'), 0, 0, length($text), length($payload), 0)
		. $text . $payload;
}


sub frame_of {
	my ($self, %k) = @_;
	return frame($self->text(%k));
}


# keys of the request, and _pids => [[pid, fields, start], ...]

sub ask {
	my ($self, %k) = @_;

	my %o = map { $_ => delete $k{$_} } grep { /^_/ } keys %k;
	my $payload = '';

	if ($o{_pids}) {
		$payload = join '', map { pack('lLQ', $_->[0], $_->[1], $_->[2] // 0) }
			@{$o{_pids}};
		$k{payload_sha256} //= sha256_hex($payload);
	}

	return $self->exchange(frame($self->text(%k), $payload), %o);
}


# bytes there, frames back; options:
#   _child  code that runs as the worker's user before the exec
#   _argv   the words instead of "procmgr-helper"
#   _uid    another user; _path another program; _timeout seconds

sub exchange {
	my ($self, $bytes, %o) = @_;

	socketpair(my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0)
		or die "socketpair: $!";

	my $pid = fork() // die "fork: $!";

	if ($pid == 0) {
		close $ours;
		POSIX::dup2(fileno($theirs), 0);

		my $null = POSIX::open('/dev/null', POSIX::O_RDWR());
		POSIX::dup2($null, 1);
		POSIX::dup2($null, 2) unless $ENV{TEST_HELPER_STDERR};
		POSIX::close($null);

		$o{_root}->() if $o{_root};

		if ($> == 0) {
			my $uid = $o{_uid} // $self->{uid};
			my $gid = $o{_gid} // $self->{gid};
			$( = $gid;
			$) = "$gid $gid";
			POSIX::setuid($uid);
			POSIX::_exit(99) if $> != $uid || $< != $uid;
		}

		%ENV = ();
		$o{_child}->() if $o{_child};

		my @argv = $o{_argv} ? @{$o{_argv}} : ('procmgr-helper');
		no warnings 'exec';
		exec { $o{_path} // $self->{helper} } @argv;
		POSIX::_exit($!{EACCES} ? 113 : 98);
	}

	close $theirs;
	local $SIG{PIPE} = 'IGNORE';

	my $r = { records => [] };
	my $in = '';
	my $end = Time::HiRes::time() + ($o{_timeout} // 30);
	my $sel = IO::Select->new($ours);

	$ours->blocking(0);

	while (Time::HiRes::time() < $end) {

		if (length $bytes) {
			my $n = syswrite $ours, $bytes;
			substr($bytes, 0, $n) = '' if $n;
			$bytes = '' if !defined $n && !$!{EAGAIN};
		}

		next unless $sel->can_read(length $bytes ? 0.01 : 0.2);

		my $n = sysread $ours, $in, 1 << 20, length $in;
		next if !defined $n && ($!{EAGAIN} || $!{EINTR});
		last unless $n;
		$r->{eof} = 0;
	}

	$r->{timeout} = Time::HiRes::time() >= $end ? 1 : 0;
	close $ours;

	waitpid $pid, 0;
	$r->{status} = $?;
	$r->{bytes} = length $in;

	while (length $in >= 16) {
		my ($type, $field, $error, $len, $id, $more)
			= unpack 'CCSLlL', $in;
		last if length $in < 16 + $len;

		my $data = substr $in, 16, $len;
		substr($in, 0, 16 + $len) = '';

		if (chr($type) eq 'R') {
			push @{$r->{records}}, { field => $field, error => $error,
				pid => $id, more => $more, data => $data };
			next;
		}

		if (chr($type) eq 'F') {
			$r->{final} = parse($data);
			my $o = $r->{final}{stdout_len} // 0;
			my $e = $r->{final}{stderr_len} // 0;
			last if $id != $o + $e || length $in != $o + $e;
			$r->{stdout} = substr $in, 0, $o;
			$r->{stderr} = substr $in, $o, $e;
			$in = '';
		}

		last;
	}

	$r->{rest} = $in;

	return $r;
}


sub parse {
	my ($text) = @_;
	my %k;

	for (split /\n/, $text) {
		my ($key, $value) = split /=/, $_, 2;
		$k{$key} = unescape($value);
	}

	return \%k;
}


# "result code" of an answer, or why there is none

sub word {
	my ($r) = @_;

	return 'timeout' if $r->{timeout};
	return "none $r->{status}" unless $r->{final};
	return join ' ', grep { defined } map { $r->{final}{$_} } qw(result code);
}


# the spool's files of operations

sub spooled {
	my ($self) = @_;
	return grep { m!/[0-9a-f-]{36}$! } glob("$self->{dir}/spool/*");
}

1;
