package Test::HelperFaults;

# What must hold whatever fails under the helper, looked at after each run:
#
#   my $f = Test::HelperFaults->new(_timeout => 120);
#   $f->verb('command');
#   $f->run('openat 3', _child => sub { ... });
#   $f->{runs} $f->{acts} $f->{bad}{twice}

use warnings;
use strict;

use Exporter qw(import);
use POSIX ();
use Test::Helper qw(uuid);

our @EXPORT_OK = qw(@INVARIANTS content);

our @INVARIANTS = ('another user', 'not permitted', 'twice',
	'not in the spool', 'success without an act', 'no end');

my $nobody = getpwnam('nobody');


sub new {
	my ($class, %o) = @_;

	my $h = Test::Helper->new(unprivileged => $o{unprivileged});
	my $d = $h->{dir};
	my $self = bless { %o, helper => $h, dir => $d }, $class;

	$h->script('act', "id -u >> $d/ran\n"
		. ($o{all} ? "echo out; echo err >&2\n" : ''));
	$h->script('svc', "[ \$1 = status ] && exit 0; id -u >> $d/ran\n");
	$self->{policy} = "command act path=$d/act act user=nobody roles=admin\n"
		. "service svc lsb $d/svc actions=restart roles=admin log=$d/log\n"
		. "signal uid=12345 sigs=TERM,KILL,STOP roles=admin\n"
		. "priority uid=12345 nice=0..10 ionice=idle affinity=on "
		. "roles=admin\n"
		. "read fields=all roles=admin\nschedule roles=admin\n"
		. "journal unit=svc roles=admin lines=10\n";
	$self->{policy} .= "service sd systemd sd.service actions=restart "
		. "roles=admin\njournal unit=sd.service roles=admin lines=10\n"
		. "command slow path=$d/slow slow user=nobody roles=admin\n"
		. "command no path=$d/no no user=nobody roles=admin\n"
		. "command late path=$d/late late user=nobody roles=admin "
		. "timeout=20s\n"
		. "service other lsb $d/svc actions=stop roles=operator\n"
		if $o{all};
	$h->script('slow', "id -u >> $d/ran; exec sleep 0.12\n");
	$h->script('late', "id -u >> $d/ran; trap '' TERM; sleep 60 & "
		. "setsid sleep 60 & exec sleep 60\n");
	$h->write('no', "#!$d/none\nid -u >> $d/ran\n", 0755);
	$h->write('log', "one\ntwo\n");
	$h->write('ran', '', 0666);

	$self->{verbs} = {
		command => [verb => 'command', argv => 'act', id => 'act'],
		service => [verb => 'service', name => 'svc',
			action => 'restart'],
		signal => [verb => 'signal', signal => 'TERM', wait_ms => 2000],
		tree => [verb => 'signal', signal => 'TERM', tree => 1,
			wait_ms => 2000],
		priority => [verb => 'priority', nice => 5, ionice_class => 3,
			affinity => cpus()],
		list => [verb => 'list', live => 1],
		journal => [verb => 'journal', name => 'svc', lines => 5],
		schedule => [verb => 'schedule'],
		read => [verb => 'read', _pids => [[$$, 0xfff]]],
		query => [verb => 'query'],
	};

	$self->{verbs} = { %{$self->{verbs}},
		command => [verb => 'command', argv => 'act', id => 'act',
			chain => '1:a@b'],
		measured => [verb => 'command', argv => 'slow', id => 'slow',
			measure => 1],
		late => [verb => 'command', argv => 'late', id => 'late'],
		status => [verb => 'status'],
		kill => [verb => 'signal', signal => 'KILL'],
		stop => [verb => 'signal', signal => 'STOP'],
		units => [verb => 'journal', name => 'sd', lines => 5],
		names => [verb => 'list'],
		same => [verb => 'read', _pids => [[$$, 0x7,
			Test::Helper::start_time($$)]]],
	} if $o{all};

	# only where it waits, since that takes its time
	$self->{only} = {
		late => qr/exec_(?:wait|drain|reap)|stray|proc/,
		measured => qr/exec_(?:wait|reap)|measure|proc|stored|spool/,
	};

	# what must not be done, whatever fails, and why

	my @signal = (verb => 'signal', signal => 'TERM', wait_ms => 100);
	my @command = @{$self->{verbs}{command}};

	$self->{never} = {
		role => [@command, role => 'operator'],
		words => [@command, argv => "act\x1fx"],
		expired => [@command, expires => 1],
		forged => [@command, _forged => 1],
		caller => [@command, _uid => $nobody],
		foreign => [@signal, _target => 54321],
		master => [@signal, _worker => 1],
		unit => [@signal],
		program => [@command, argv => 'no'],
	};

	# (at the end: what is read of the policy is read to there)
	my ($unit) = reverse grep { length } split m![:/\n]!,
		content('/proc/self/cgroup') =~ s/^.*:\/\n//mgr;
	$self->{more}{unit} = "protect unit=$unit\n" if $unit;
	delete $self->{never}{unit} unless $unit;

	# (one user is all that there is)
	if ($o{unprivileged}) {
		$self->{verbs} = { map { $_ => $self->{verbs}{$_} }
			qw(command read service) };
		$self->{never} = { map { $_ => $self->{never}{$_} }
			qw(role forged) };
	}

	return $self;
}


# the verb of the runs that follow, which are counted from here on

sub verb {
	my ($self, $verb) = @_;

	$self->{verb} = $verb;
	$self->{runs} = $self->{acts} = 0;
	$self->{bad} = {};
	$self->{helper}->policy($self->{policy} . ($self->{more}{$verb} // ''));
}


# one request, with what the options make fail, and a look at what came of it

sub run {
	my ($self, $call, %o) = @_;

	my $verb = $self->{verb};
	my $op = uuid();
	my @ask = @{$self->{verbs}{$verb} // $self->{never}{$verb}};
	my %is = (op => $op, @ask);

	$self->{helper}->write('ran', '', 0666);

	# the spool is swept each time
	unlink "$self->{dir}/spool/pruned";
	$self->{helper}->write("spool/new.old.$_", '') for 1, 2;
	utime 1, 1, "$self->{dir}/spool/new.old.1";

	if ($is{verb} =~ /^(?:signal|priority)$/) {
		$is{pid} = target($is{_target} // 12345, $is{tree});
		push @ask, pid => $is{pid},
			starttime => Test::Helper::start_time($is{pid});
		$is{below} = [below($is{pid})];
	}

	$op = $self->{last} if $is{verb} eq 'query';

	my $h = $self->{helper};
	my $asks = sub {
		return $h->ask(@ask, op => $op, _timeout => $self->{_timeout}, %o);
	};

	local $h->{key} = $is{_forged} ? 'x' x 32 : $h->{key};
	my $r = $is{_worker} ? apart($asks) : $asks->();

	$self->look(\%is, $r, $call);
	$self->{last} = $op
		if $is{verb} eq 'command' && ($r->{final}{result} // '') eq 'ok';

	return $r;
}


# was it done, and is it told as it is?

sub look {
	my ($self, $is, $r, $call) = @_;

	my ($d, $bad) = @$self{qw(dir bad)};
	my $verb = $is->{verb};
	my $ok = ($r->{final}{result} // '') eq 'ok';
	my $done = $ok;

	if ($verb =~ /^(?:command|service)$/) {
		my @uids = split /\n/, content("$d/ran");
		my $want = $verb eq 'command' ? $nobody
			: $self->{helper}{unprivileged} ? $nobody : 0;

		$done = @uids;
		push @{$bad->{'another user'}}, $call if grep { $_ ne $want } @uids;
		push @{$bad->{twice}}, $call if @uids > 1;

	} elsif ($verb eq 'priority') {
		my $stat = content("/proc/$is->{pid}/stat") =~ s/^.*\) //sr;

		$done = ((split / /, $stat)[16] // 0) == 5;

	} elsif ($is->{pid}) {
		my @all = ($is->{pid}, @{$is->{below}});

		$done = grep { ended($_) } @all;
		$done = @all if $is->{signal} eq 'STOP'
			&& content("/proc/$is->{pid}/stat") =~ /\) T/;
		$ok = 0 if ($r->{final}{code} // '') eq 'still_alive';
		push @{$bad->{'success without an act'}}, $call
			if $ok && $done < @all;
	}

	if ($is->{pid}) {
		kill 'KILL', $is->{pid}, @{$is->{below}};
		waitpid $is->{pid}, 0;
	}

	$self->{acts}++ if $done;
	push @{$bad->{'not in the spool'}}, $call
		if $done && $verb =~ /^(?:command|service|signal|priority)$/
			&& !-e "$d/spool/$is->{op}";
	push @{$bad->{'success without an act'}}, $call if $ok && !$done;
	push @{$bad->{'not permitted'}}, $call
		if $done && $self->{never}{$self->{verb}};
	push @{$bad->{'no end'}}, $call if $r->{timeout};
}


# a child asks, as a worker: this process is its master

sub apart {
	my ($asks) = @_;
	my $pid = fork() // die "fork: $!";

	if ($pid == 0) {
		$asks->();
		POSIX::_exit(0);
	}

	waitpid $pid, 0;
	return {};
}


# a process of that user's, with one below it where it is a tree

sub target {
	my ($uid, $tree) = @_;
	my $pid = fork() // die "fork: $!";

	if ($pid == 0) {
		POSIX::setgid($uid);
		POSIX::setuid($uid);
		fork() // die "fork: $!" if $tree;
		sleeps();
	}

	for (1 .. 1000) {
		last if 1 + !!$tree == grep { content("/proc/$_/cmdline")
			=~ /^.bin.sleep/ } $pid, below($pid);
		select undef, undef, undef, 0.01;
	}

	return $pid;
}


sub sleeps {
	exec '/bin/sleep', '600' or POSIX::_exit(1);
}


sub below {
	my ($pid) = @_;
	return split ' ', content("/proc/$pid/task/$pid/children");
}


sub ended {
	my ($pid) = @_;
	my $stat = content("/proc/$pid/stat");
	return $stat eq '' || $stat =~ /\) [ZX]/;
}


# the CPUs that there are, as the request has them

sub cpus {
	my ($list) = content('/proc/self/status')
		=~ /^Cpus_allowed_list:\s*(\S+)/m;
	return join ',', map { /(\d+)-(\d+)/ ? $1 .. $2 : $_ } split /,/, $list;
}


sub content {
	my ($path) = @_;
	open my $f, '<', $path or return '';
	return do { local $/; <$f> } // '';
}

1;
