-- Returns an unfinished entry to its old place, or ends it if a stop was requested.
local id, token = ARGV[1], ARGV[2]
if not holds(id, token) then return 'refused' end
if redis.call('HEXISTS', key('reply', id), 'stop') == 1 then
  finish(id, 'stopped', '{}')
  return 'stopped'
end
stand_in_line(id)
touch_owner_of(id)
return 'kept'
