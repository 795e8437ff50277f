-- What a page without replies shows of a model. ARGV: model. Returns {time, waiting,
-- announcements, paused, notice}, as poll.lua does.
return {stamp(), redis.call('ZCARD', key('line', ARGV[1])),
  redis.call('HVALS', key('workers', ARGV[1])), redis.call('EXISTS', paused_key(ARGV[1])),
  redis.call('GET', 'mailbox:notice') or ''}
