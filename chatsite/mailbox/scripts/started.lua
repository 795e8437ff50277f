-- Those of the replies, ARGV, that a worker writes, or finished a moment ago.
local started = {}
for _, id in ipairs(ARGV) do
  local state = redis.call('HGET', key('reply', id), 'state')
  if state == 'running' or state == 'ended' then started[#started + 1] = id end
end
return started
